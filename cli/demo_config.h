/* SPDX-License-Identifier: Apache-2.0
 * demo_config.h - the configuration that `genops demo` and `genops serve --demo` run with. */
#ifndef CLI_DEMO_CONFIG_H
#define CLI_DEMO_CONFIG_H

/* YAML. Wants the variable GENOPS_SIMULATED_PORT. Static. */
extern const char demo_config[];

#endif
