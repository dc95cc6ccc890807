# SPDX-License-Identifier: Apache-2.0
"""Slack's incoming webhooks, from api.slack.com/messaging/webhooks and its list of errors. What it leaves out: blocks are not looked into, and
who made the webhook (app or legacy) makes no difference to channel, username and icon."""
import time

from fakes.alert_endpoint import AlertEndpoint

TOP = {"text", "attachments", "blocks", "username", "icon_emoji", "icon_url", "channel", "mrkdwn", "thread_ts", "unfurl_links", "unfurl_media",
       "link_names", "parse", "response_type", "metadata"}
ATTACHMENT = {"fallback", "color", "pretext", "author_name", "author_link", "author_icon", "title", "title_link", "text", "fields", "image_url",
              "thumb_url", "footer", "footer_icon", "ts", "mrkdwn_in", "actions", "callback_id", "blocks"}


class FakeSlack(AlertEndpoint):
    """`fault`: a word of Slack's that every message gets. `per_second`: over so many it says 429, with Retry-After unless told otherwise."""

    def __init__(self, port=0, per_second=None, has_retry_after=True):
        self.fault, self.per_second, self.has_retry_after, self.times = None, per_second, has_retry_after, []
        super().__init__(port)
        self.path = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXX"
        self.url += self.path

    def answer(self, request):
        if request.path != self.path:
            return 404, {}, "no_service"
        if request.method != "POST":
            return 405, {}, "method_not_allowed"
        if self.fault:
            return {"action_prohibited": 403, "invalid_token": 403, "channel_not_found": 404, "no_service": 404, "channel_is_archived": 410,
                    "rollup_error": 500}.get(self.fault, 400), {}, self.fault
        if self.per_second:
            now = time.monotonic()
            self.times = [then for then in self.times if now - then < 1]
            if len(self.times) >= self.per_second:
                return 429, {"Retry-After": "1"} if self.has_retry_after else {}, "rate_limited"
            self.times.append(now)
        try:
            self.check(request)
        except (ValueError, AssertionError) as fault:
            return 400, {}, "no_text" if str(fault) == "no_text" else "invalid_payload"
        return 200, {"Content-Type": "text/html"}, "ok"

    @staticmethod
    def check(request):
        assert request.headers.get("content-type", "").split(";")[0] == "application/json"
        message = request.json()
        assert isinstance(message, dict) and set(message) <= TOP
        assert message.get("text") or message.get("attachments") or message.get("blocks"), "no_text"
        assert isinstance(message.get("text", ""), str)
        assert len(message.get("attachments", [])) <= 100
        for attachment in message.get("attachments", []):
            assert set(attachment) <= ATTACHMENT, set(attachment) - ATTACHMENT
            assert isinstance(attachment.get("ts", 0), int)
            for field in attachment.get("fields", []):
                assert set(field) <= {"title", "value", "short"} and isinstance(field["value"], str) and isinstance(field["short"], bool)

    def messages(self):
        return [request.json() for request in self.taken()]
