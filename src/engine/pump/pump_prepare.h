/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_prepare.h - what has to be asked before a request: credentials that expire. One thread: the pump's. */
#ifndef ENGINE_PUMP_PREPARE_H
#define ENGINE_PUMP_PREPARE_H

#include "net/http.h"

/* False: not now; *ret_verdict says why and when again. `arena` is reset for each request. */
bool genops_pump_prepare(const struct genops_destination_type *type, const struct genops_destination_settings *settings,
    struct genops_http_client *client, struct genops_arena *arena, const int *cancel, struct genops_send_verdict *ret_verdict);

/* What the type keeps for one pump; it may be secret, so nothing of it is left behind. */
GENOPS_NODISCARD int genops_pump_session_begin(
    const struct genops_destination_type *type, struct genops_destination_settings *settings, struct genops_error *err);
void genops_pump_session_end(const struct genops_destination_type *type, struct genops_destination_settings *settings);

#endif
