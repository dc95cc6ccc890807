/* SPDX-License-Identifier: Apache-2.0
 * export/alert/alert_message.h - a chat message of an event, where nobody wrote a template: text and one attachment, as Slack and those
 * who take its webhooks (Mattermost, Rocket.Chat) read it. Names are shown, never obeyed: <!channel> in one pings nobody. Pure. */
#ifndef EXPORT_ALERT_MESSAGE_H
#define EXPORT_ALERT_MESSAGE_H

#include "export/alert/alert_event.h"

/* Appends; check out->error. */
void genops_alert_message_write(const struct genops_alert_event *event, struct genops_arena *arena, struct genops_buffer *out);

/* One line about it: alert_title, or what it can be called by. In the arena. */
genops_str genops_alert_message_title(const struct genops_alert_event *event, struct genops_arena *arena);

/* What Slack says in one word, where the status alone says too little. Call behind genops_http_verdict. */
void genops_alert_message_judge(const struct genops_response *response, struct genops_send_verdict *verdict);

#endif
