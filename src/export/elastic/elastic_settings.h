/* SPDX-License-Identifier: Apache-2.0
 * export/elastic/elastic_settings.h - how an Elasticsearch destination is written down: as the Collector's exporter, and as a document of
 * `destinations`. Read once, immutable. */
#ifndef EXPORT_ELASTIC_SETTINGS_H
#define EXPORT_ELASTIC_SETTINGS_H

#include "export/destination.h"
#include "pipeline/template.h"

struct genops_elastic_index {
	genops_str text;                    /* the name, where it is always the same */
	struct genops_template *template;   /* else; owned */
	bool reads_event;                   /* it has more in it than a date */
	genops_str data_stream;             /* JSON for the documents' member of that name; "": none */
};

struct genops_elastic_settings {
	genops_str endpoint, cloudid, user, password, api_key, pipeline;
	struct genops_texts endpoints;
	genops_str index, traces_index, logs_index;
	int compression;
	/* made of them */
	bool is_compressed;
	struct genops_texts urls;           /* at least one, with path and query of _bulk */
	genops_str authorization;
	struct genops_elastic_index events, traces, logs;
};

extern const struct genops_destination_form genops_elastic_exporter_form, genops_elastic_document_form;

#endif
