/* SPDX-License-Identifier: Apache-2.0
 * engine/config/documents/documents.h - sections that hold documents: pipelines, lookups, destinations.
 *
 * A document stands in the configuration itself, or in a file of one or several documents, which the section names by a path or a glob. While a
 * document is read the reader stands in its file: errors and warnings name that file, and relative paths start at its folder.
 */
#ifndef ENGINE_CONFIG_DOCUMENTS_H
#define ENGINE_CONFIG_DOCUMENTS_H

#include "engine/config/config_read.h"

/* One document, a mapping. */
typedef int genops_config_document_fn(struct genops_config_reader *reader, const struct genops_yaml_node *document, void *arg);

/* Calls fn for every document of a section: a mapping, a path, or a list of both. `what` names one: "a pipeline"; its files are `part`. */
GENOPS_NODISCARD int genops_config_documents_each(struct genops_config_reader *reader, const struct genops_yaml_node *section,
    const char *what, enum genops_config_part part, genops_config_document_fn *fn, void *arg);

/* --- one file a section; in this order, since routes name destinations and functions name lookups --- */

GENOPS_NODISCARD int genops_config_lookups_read(struct genops_config_reader *reader, const struct genops_yaml_node *section);
GENOPS_NODISCARD int genops_config_destinations_read(struct genops_config_reader *reader, const struct genops_yaml_node *section);
GENOPS_NODISCARD int genops_config_pipelines_read(struct genops_config_reader *reader, const struct genops_yaml_node *section);
/* Behind destinations. */
GENOPS_NODISCARD int genops_config_alerts_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *section, const struct genops_yaml_node *monitoring);
void genops_config_alerts_forget(struct genops_config *config);

#endif
