(function () {
  var root = document.documentElement, button = document.querySelector("button.switch");
  button.addEventListener("click", function () {
    var next = root.dataset.language === "zh" ? "en" : "zh";
    root.dataset.language = next;
    root.lang = next === "zh" ? "zh-CN" : "en";
    document.title = document.body.dataset[next];
  });
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (each) { each.open = true; });
  });
})();
