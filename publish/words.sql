-- stage: tag_words — what tags are called
SET VARIABLE tag_words = (SELECT map(list(code), list(zh)) FROM label WHERE list = 'profile_tag');

-- stage: service_words — what services are called
SET VARIABLE service_words = (SELECT map(list(code), list(zh)) FROM label WHERE list = 'service_due');
