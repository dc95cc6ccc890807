/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_series.h - the body of POST /api/v2/series: series by name, tags and host, put together before they are written.
 *
 * Why put together: of two points of one series in one second Datadog keeps the last. Tags are written as Datadog would store them, so
 * that two which it takes for one are one here. Pure; one encode's.
 */
#ifndef EXPORT_DATADOG_SERIES_H
#define EXPORT_DATADOG_SERIES_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

#define GENOPS_DATADOG_BODY_MAX       ((size_t)5242880) /* as JSON */
#define GENOPS_DATADOG_COMPRESSED_MAX ((size_t)512000)  /* as it is sent */
#define GENOPS_DATADOG_SERIES_MAX     ((size_t)32 << 20) /* of the estimate, which is half of what the pump's arena has room for */
#define GENOPS_DATADOG_TAG_MAX        200               /* bytes: Datadog takes so many characters */
#define GENOPS_DATADOG_NAME_MAX       200

/* As v2 numbers them. */
enum genops_datadog_type { GENOPS_DATADOG_COUNT = 1, GENOPS_DATADOG_RATE, GENOPS_DATADOG_GAUGE };

/* What becomes of several values of one series. */
enum genops_datadog_keep { GENOPS_DATADOG_LAST, GENOPS_DATADOG_SUM, GENOPS_DATADOG_MAX, GENOPS_DATADOG_MIN };

struct genops_datadog_point {
	genops_str name, unit;       /* unit "" : none */
	genops_str tags, host;       /* tags: as genops_datadog_series_tag writes them, one behind the other; host "" : none */
	enum genops_datadog_type type;
	enum genops_datadog_keep keep;
	int64_t timestamp, interval; /* seconds; interval of counts and rates; 0: not known */
	double value;
};

struct genops_datadog_series {
	/* private */
	struct genops_arena *arena;
	struct genops_datadog_entry **index;
	struct genops_datadog_entry *first, *last;
	size_t n, n_index;
	size_t bytes; /* of the JSON, about and never too few */
};

void genops_datadog_series_init(struct genops_datadog_series *series, struct genops_arena *arena);
/* Texts are copied. A point of another second is a series of its own. A sum stays a finite number. NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_datadog_series_add(
    struct genops_datadog_series *series, const struct genops_datadog_point *point, struct genops_error *err);
/* In the order in which they came first. Check out->error. */
void genops_datadog_series_write(const struct genops_datadog_series *series, struct genops_buffer *out);

/* Appends a tag to `tags`: lower case, what is no letter, digit or _-:./ becomes _, at most 200 bytes. One that says nothing ("team:") is
 * left out. */
void genops_datadog_series_tag(struct genops_buffer *tags, genops_str tag);
/* Is it a name that Datadog takes as it is: a letter, then letters, digits, _ and . , at most 200? */
bool genops_datadog_series_is_name(genops_str name);

#endif
