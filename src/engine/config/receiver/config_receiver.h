/* SPDX-License-Identifier: Apache-2.0
 * engine/config/receiver/config_receiver.h - what the files of this folder share. See config_receiver.c. */
#ifndef ENGINE_CONFIG_RECEIVER_H
#define ENGINE_CONFIG_RECEIVER_H

#include "engine/config/config_read.h"

#define GENOPS_CONFIG_TOKENS_MAX 1000

/* What of the Collector's settings is not done here, and is therefore an error that names it. */
GENOPS_NODISCARD int genops_config_receiver_check_done(struct genops_config_reader *reader,
    const struct genops_yaml_node *node, const struct genops_option *rows, const char *what);

/* Another receiver, empty but for its name; it must be filled, then checked. Two of one name are an error. */
GENOPS_NODISCARD int genops_config_receiver_add(struct genops_config_reader *reader, const struct genops_yaml_node *place,
    genops_str name, struct genops_config_receiver **ret_receiver);
GENOPS_NODISCARD int genops_config_receiver_check(struct genops_config_reader *reader, const struct genops_yaml_node *place);

bool genops_config_receiver_is_network(genops_str text); /* 10.0.0.0/8, ::1 */
/* "10000/second/ip", "100/minute", "50"; "" : none. */
GENOPS_NODISCARD int genops_config_receiver_rate(
    struct genops_config_reader *reader, const struct genops_yaml_node *place, genops_str text, int64_t *ret_per_second);

/* config_receiver_security.c: section `security` (NULL: none), then what it gives to one that says nothing else. */
GENOPS_NODISCARD int genops_config_receiver_security(struct genops_config_reader *reader, const struct genops_yaml_node *node);
GENOPS_NODISCARD int genops_config_receiver_secure_listener(
    struct genops_config_reader *reader, const struct genops_yaml_node *place, struct genops_config_listener *listener);
void genops_config_receiver_secure(const struct genops_config_reader *reader, struct genops_config_receiver *receiver);

/* config_receiver_source.c: section `sources`; NULL: none. */
GENOPS_NODISCARD int genops_config_receiver_sources(struct genops_config_reader *reader, const struct genops_yaml_node *section);

/* config_receiver_protocol.c: one of protocols.http and protocols.grpc; a null node is all defaults. */
GENOPS_NODISCARD int genops_config_receiver_protocol(struct genops_config_reader *reader, const struct genops_yaml_node *key,
    const struct genops_yaml_node *node, bool is_grpc, struct genops_config_listener *ret_listener);
/* "host:port" as the Collector writes it. */
GENOPS_NODISCARD int genops_config_receiver_endpoint(struct genops_config_reader *reader, const struct genops_yaml_node *place,
    genops_str endpoint, struct genops_config_listener *listener);

/* config_receiver_auth.c: `auth` of a receiver or of one of its protocols. */
GENOPS_NODISCARD int genops_config_receiver_auth(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_access *ret_access);
/* One token; its text is wiped. `node` is where it stands. */
GENOPS_NODISCARD int genops_config_receiver_add_token(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    genops_str text, struct genops_config_access *access, struct genops_config_token **ret_token);
/* Tokens that this access may add to, instead of those that it shares. */
GENOPS_NODISCARD int genops_config_receiver_own_tokens(struct genops_config_reader *reader, struct genops_config_access *access);
/* Who is let in where nothing was said, by the address; and the keys of governance beside what was. */
GENOPS_NODISCARD int genops_config_receiver_close_access(struct genops_config_reader *reader,
    const struct genops_yaml_node *place, const char *what, struct genops_config_listener *listener);

#endif
