/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/collibra_answer.h - what an HTTP answer of Collibra means, and whether its request may be made again. Pure. Private to this folder. */
#ifndef CONNECT_COLLIBRA_COLLIBRA_ANSWER_H
#define CONNECT_COLLIBRA_COLLIBRA_ANSWER_H

#include "connect/collibra/client.h"
#include "export/destination.h"

/* Fills everything but fix's last word on who asked; `is_token`: the request was for an OAuth token. */
void genops_collibra_answer_judge(const struct genops_response *response, enum genops_collibra_repeat repeat, bool is_token,
    struct genops_collibra_answer *ret_answer);

/* May the same request be made again? (A refused token is the caller's business.) */
bool genops_collibra_answer_may_repeat(
    const struct genops_response *response, const struct genops_collibra_answer *answer, enum genops_collibra_repeat repeat);

/* How long to wait before try number `n_tries` + 1: what the server asks, at most a minute, else 1, 2, 4 ... s within a fifth more or less. */
int64_t genops_collibra_answer_pause(const struct genops_response *response, int n_tries, uint64_t random);

/* What the far side says as one printable line of whole characters, cut to `size`: it goes into logs and onto terminals. */
void genops_collibra_answer_line(genops_str text, char *out, size_t size);

#endif
