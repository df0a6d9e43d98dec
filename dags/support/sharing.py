"""The rounds of a linkage shared out: lay the pairs out, score them in mapped tasks, lay out the next round's."""

from __future__ import annotations

from airflow.sdk import task


def shared_rounds():
    """The tasks before the last start of a linkage, two a round; the last of them.

    Each start finds the scores of the rounds before. It goes on as far as it can: on a day with little news it links everything,
    lays nothing out, and what follows has nothing left to do.
    """
    from linkage.model import load_model

    @task(trigger_rule="all_done")
    def lay_out(first: bool) -> list[dict]:
        from support.hub import hub, skip_while_ingesting

        skip_while_ingesting()
        return hub().link_ahead(first=first)

    @task
    def score_pairs(round_folder: str, chunk: int) -> dict:
        from airflow.sdk.exceptions import AirflowSkipException

        from support.hub import hub

        try:
            return hub().score_chunk(round_folder, chunk).counts()
        except FileNotFoundError:
            raise AirflowSkipException("the round is not there any more: somebody else has linked") from None

    last = None
    for number in range(1, load_model().setting("rounds") + 1):
        laid_out = lay_out.override(task_id=f"lay_out_{number}", trigger_rule="all_done" if last else "all_success")(number == 1)
        if last is not None:
            last >> laid_out
        last = score_pairs.override(task_id=f"score_pairs_{number}").expand_kwargs(laid_out)
    return last
