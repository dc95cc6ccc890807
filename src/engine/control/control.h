/* SPDX-License-Identifier: Apache-2.0
 * engine/control/control.h - one request to the control API, while it is answered. */
#ifndef ENGINE_CONTROL_H
#define ENGINE_CONTROL_H

#include "base/arena.h"
#include "base/buffer.h"
#include "engine/engine.h"

#define GENOPS_CONTROL_PARAMETERS_MAX 32
#define GENOPS_CONTROL_ARENA_MAX      ((size_t)8 << 20)
#define GENOPS_CONTROL_ANSWER_MAX     ((size_t)32 << 20)

struct genops_control {
	genops_engine *engine;
	struct genops_config *config;        /* one reference */
	const struct genops_config_key *key; /* who asks; NULL: nobody in particular */
	genops_str request_body;
	size_t n_parameters;
	struct genops_text_pair parameters[GENOPS_CONTROL_PARAMETERS_MAX];
	bool is_query_cut;                   /* it had more parameters */
	struct genops_arena arena;
	struct genops_buffer body;           /* the answer */
	int status;
	const char *content_type;
};

genops_str genops_control_parameter(const struct genops_control *control, const char *name);
void genops_control_fail(struct genops_control *control, int status, const char *message, const char *fix);
void genops_control_fail_with(struct genops_control *control, const struct genops_error *err);

/* Makes one, has `answer` fill it, and hands it over. NOMEM. */
struct genops_control_answer;
int genops_control_run(genops_engine *engine, void (*answer)(struct genops_control *control, void *arg), void *arg,
    struct genops_control_answer *ret_answer, struct genops_error *err);
/* May who has this key see what is everybody's? If not, the answer says so. */
bool genops_control_is_let_in(struct genops_control *control, genops_str secret);

void genops_control_decide(struct genops_control *control);     /* control_decide.c */
void genops_control_policies(struct genops_control *control);   /* control_read.c */
void genops_control_cost(struct genops_control *control);
void genops_control_budgets(struct genops_control *control);
void genops_control_operations(struct genops_control *control);
void genops_control_metrics(struct genops_control *control);    /* control_metrics.c */

#endif
