/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_probe.h - asks a destination whether address and credentials are right, and leaves nothing there: for
 * `genops destination test`, and for health_check while nothing is sent. Any one thread. */
#ifndef ENGINE_PUMP_PROBE_H
#define ENGINE_PUMP_PROBE_H

#include "net/http.h"

struct genops_pump_probe {
	bool is_good;
	bool is_checked;             /* by the type's own check; else only whether somebody answers */
	bool is_asked;               /* somebody over there; else there was nobody to ask, and is_good is of the settings */
	int status, grpc_status;     /* of the answer; 0 and -1: none */
	char message[320];           /* what came of it, and where it is bad what to do; never a secret */
};

/* The type's own probe; the bare address where it names one; of types for the engine's operations a request without anything in it. What a
 * request needs before (credentials that expire) is asked for as a pump does. `arena` is reset. */
void genops_pump_probe(const struct genops_destination_type *type, const struct genops_destination_settings *settings,
    struct genops_http_client *client, struct genops_arena *arena, const int *cancel, struct genops_pump_probe *ret_probe);

#endif
