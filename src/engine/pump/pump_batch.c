/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_batch.c - see pump_batch.h. */
#include "engine/pump/pump_batch.h"

#include "engine/config.h"
#include "engine/flow/routed.h"

#include <assert.h>
#include <stdlib.h>

#define DECODED_MAX  ((size_t)256 << 20)
#define GATHERED_MAX ((size_t)128 << 20)
static_assert(GATHERED_MAX >= (size_t)GENOPS_CONFIG_BATCH_BYTES_MAX + GENOPS_QUEUE_BLOCK_MAX, "what is gathered ends with a whole block");

struct genops_pump_entry {
	size_t len;
	bool is_routed;
};

void genops_pump_batch_init(struct genops_pump_batch *batch)
{
	*batch = (struct genops_pump_batch){.size = 1, .size_bytes = 1};
	genops_arena_init(&batch->arena, DECODED_MAX);
	genops_buffer_init(&batch->bytes, GATHERED_MAX);
}

void genops_pump_batch_done(struct genops_pump_batch *batch)
{
	genops_arena_done(&batch->arena);
	genops_buffer_done(&batch->bytes);
	free(batch->entries);
	free(batch->records);
	free(batch->items);
	free(batch->parts);
}

void genops_pump_batch_clear(struct genops_pump_batch *batch)
{
	genops_buffer_clear(&batch->bytes);
	batch->n = 0;
	batch->oldest_unix_ns = 0;
	batch->n_counted = 0;
	batch->is_cut = false;
	batch->n_entries = batch->n_records = batch->n_items = batch->record_at = batch->item_at = batch->narrow = 0;
}

/* Room for `need` things of `size` bytes. */
static bool make_room(void **list, size_t *max, size_t need, size_t size)
{
	if (need <= *max)
		return true;
	size_t more = *max ? *max : 64;
	while (more < need)
		more *= 2;
	void *grown = realloc(*list, more * size);
	if (!grown)
		return false;
	*list = grown;
	*max = more;
	return true;
}

/* How much is in it for us; 0: nothing. */
static int64_t weigh(struct genops_pump_batch *batch, const struct genops_queue_entry *entry)
{
	struct genops_routed_reader reader;
	struct genops_destination_item item;
	struct genops_error err;
	bool is_ours = false;
	int64_t n = 0;
	if (entry->kind == GENOPS_ENTRY_OPERATION)
		return batch->takes_operations;
	if (entry->kind != GENOPS_ENTRY_ROUTED)
		return 0;
	int code = genops_routed_is_for(entry->payload, batch->destination, &is_ours, &err);
	genops_routed_reader_init(&reader, entry->payload);
	while (is_ours && code >= 0 && (code = genops_routed_reader_next(&reader, &item)) > 0)
		n += item.n > 1 ? item.n : 1;
	batch->n_bad += code < 0;
	return n;
}

int genops_pump_batch_add(
    struct genops_pump_batch *batch, const struct genops_queue_entry *entries, size_t n, struct genops_error *err)
{
	for (size_t i = 0; i < n; i++) {
		int64_t weight = weigh(batch, &entries[i]);
		if (!weight)
			continue;
		batch->n += weight;
		if (!batch->oldest_unix_ns && entries[i].kind == GENOPS_ENTRY_ROUTED)
			batch->oldest_unix_ns = genops_routed_time(entries[i].payload);
		if (batch->is_counting) {
			batch->n_counted += entries[i].payload.len;
			continue;
		}
		if (!make_room((void **)&batch->entries, &batch->max_entries, batch->n_entries + 1, sizeof *batch->entries))
			return genops_fail(err, GENOPS_NOMEM, "no memory for a batch for export");
		batch->entries[batch->n_entries++] =
		    (struct genops_pump_entry){entries[i].payload.len, entries[i].kind == GENOPS_ENTRY_ROUTED};
		genops_buffer_add(&batch->bytes, entries[i].payload);
	}
	if (batch->bytes.error)
		return genops_fail(err, batch->bytes.error, "a batch for export does not fit into memory");
	return GENOPS_OK;
}

bool genops_pump_batch_is_ours(struct genops_pump_batch *batch, const struct genops_queue_entry *entry)
{
	return weigh(batch, entry) > 0;
}

bool genops_pump_batch_is_full(const struct genops_pump_batch *batch)
{
	return batch->n >= (int64_t)batch->size || batch->bytes.len + batch->n_counted >= batch->size_bytes;
}

/* --- cutting --- */

/* One kind: the kinds follow one another, each in the order in which it came. */
static bool read_items(struct genops_pump_batch *batch, genops_str entry, enum genops_item_kind kind)
{
	struct genops_routed_reader reader;
	struct genops_destination_item item;
	genops_routed_reader_init(&reader, entry);
	while (genops_routed_reader_next(&reader, &item) > 0) {
		if (item.kind != kind)
			continue;
		if (!make_room((void **)&batch->items, &batch->max_items, batch->n_items + 1, sizeof item))
			return false;
		batch->items[batch->n_items++] = item;
	}
	return true;
}

static bool read_record(struct genops_pump_batch *batch, genops_str entry, struct genops_record_before *before)
{
	struct genops_error err;
	if (!make_room((void **)&batch->records, &batch->max_records, batch->n_records + 1, sizeof *batch->records))
		return false;
	int code = genops_record_decode_after(entry, before, &batch->arena, &batch->records[batch->n_records], &err);
	batch->n_records += code == GENOPS_OK;
	batch->n_bad += code != GENOPS_OK && code != GENOPS_NOMEM;
	return code != GENOPS_NOMEM;
}

struct place {
	uint64_t part;
	size_t at;
};

static int by_part(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	if (a->part != b->part)
		return a->part < b->part ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

/* Which items may share a request is the type's to say; those that may follow one another. */
static int part(struct genops_pump_batch *batch, const struct genops_destination_settings *settings, struct genops_arena *scratch,
    struct genops_error *err)
{
	size_t n = batch->n_items;
	free(batch->parts);
	batch->parts = NULL;
	if (!batch->type->partition || !n)
		return GENOPS_OK;
	uint64_t *parts = calloc(n, sizeof *parts);
	struct place *order = malloc(n * sizeof *order);
	struct genops_destination_item *items = malloc(n * sizeof *items);
	int code = parts && order && items ? batch->type->partition(settings, batch->items, n, scratch, parts, err)
					   : genops_fail(err, GENOPS_NOMEM, "no memory for a batch for export");
	for (size_t i = 0; code == GENOPS_OK && i < n; i++)
		order[i] = (struct place){parts[i], i};
	if (code == GENOPS_OK)
		qsort(order, n, sizeof *order, by_part);
	for (size_t i = 0; code == GENOPS_OK && i < n; i++) {
		items[i] = batch->items[order[i].at];
		parts[i] = order[i].part;
	}
	if (code == GENOPS_OK) {
		memcpy(batch->items, items, n * sizeof *items);
		batch->parts = parts;
		parts = NULL;
	}
	free(parts);
	free(order);
	free(items);
	return code;
}

int genops_pump_batch_cut(struct genops_pump_batch *batch, const struct genops_destination_settings *settings,
    struct genops_arena *scratch, struct genops_error *err)
{
	struct genops_record_before before = {0};
	bool is_fine = true;
	batch->n_records = batch->n_items = 0;
	genops_arena_reset(&batch->arena);
	for (int kind = GENOPS_ITEM_TRACES; kind <= GENOPS_ITEM_EVENT; kind++) {
		size_t at = 0;
		for (size_t i = 0; is_fine && i < batch->n_entries; i++) {
			genops_str entry = {batch->bytes.ptr + at, batch->entries[i].len};
			at += entry.len;
			if (batch->entries[i].is_routed)
				is_fine = read_items(batch, entry, (enum genops_item_kind)kind);
			else if (kind == GENOPS_ITEM_TRACES)
				is_fine = read_record(batch, entry, &before);
		}
	}
	if (!is_fine)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a batch for export");
	GENOPS_TRY(part(batch, settings, scratch, err));
	if (!batch->oldest_unix_ns && batch->n_records)
		batch->oldest_unix_ns = batch->records[0].end_unix_ns;
	batch->is_cut = true;
	return GENOPS_OK;
}

/* --- sends --- */

static size_t run_of_items(const struct genops_pump_batch *batch)
{
	const struct genops_destination_item *items = batch->items + batch->item_at;
	size_t n = 0, left = batch->n_items - batch->item_at, bytes = 0;
	int64_t weight = 0;
	const uint64_t *parts = batch->parts ? batch->parts + batch->item_at : NULL;
	while (n < left && items[n].kind == items[0].kind && (!parts || parts[n] == parts[0])) {
		bytes += items[n].body.len + items[n].payload.len;
		weight += items[n].n;
		if (n && batch->send_max && weight > batch->send_max)
			break;
		if (n && ((batch->type->items_max && n >= batch->type->items_max) ||
			     (batch->type->bytes_max && bytes > batch->type->bytes_max) || (batch->send_bytes && bytes + n >= batch->send_bytes)))
			break;
		n++;
	}
	return n;
}

static size_t at_most(size_t n, size_t max)
{
	return max && n > max ? max : n;
}

bool genops_pump_batch_next(struct genops_pump_batch *batch, struct genops_destination_batch *ret_send)
{
	*ret_send = (struct genops_destination_batch){0};
	if (batch->record_at < batch->n_records) {
		ret_send->records = batch->records + batch->record_at;
		ret_send->n_records = at_most(at_most(batch->n_records - batch->record_at, (size_t)batch->send_max), batch->narrow);
		return true;
	}
	if (batch->item_at == batch->n_items)
		return false;
	ret_send->items = batch->items + batch->item_at;
	ret_send->n_items = at_most(run_of_items(batch), batch->narrow);
	return true;
}

int64_t genops_pump_batch_weight(const struct genops_destination_batch *send)
{
	int64_t n = (int64_t)send->n_records;
	for (size_t i = 0; i < send->n_items; i++)
		n += send->items[i].n > 1 ? send->items[i].n : 1;
	return n;
}

void genops_pump_batch_sent(struct genops_pump_batch *batch, size_t n)
{
	batch->narrow = 0;
	if (batch->record_at < batch->n_records)
		batch->record_at += n;
	else
		batch->item_at += n;
}

size_t genops_pump_batch_n_done(const struct genops_pump_batch *batch)
{
	return batch->item_at;
}

void genops_pump_batch_skip(struct genops_pump_batch *batch, size_t n)
{
	batch->item_at = n < batch->n_items ? n : batch->n_items;
}

/* There are few of them: what an answer tells apart is mostly sent. */
void genops_pump_batch_sort(struct genops_pump_batch *batch, const uint8_t *kinds, size_t n, size_t *ret_n_sent, size_t *ret_n_rejected)
{
	static const enum genops_verdict_kind order[] = {GENOPS_SENT, GENOPS_REJECTED, GENOPS_RETRY};
	struct genops_destination_item *items = batch->items + batch->item_at;
	uint8_t left[GENOPS_VERDICT_ITEMS_MAX];
	size_t ends[3], at = 0;
	memcpy(left, kinds, n);
	for (size_t k = 0; k < 3; k++) {
		for (size_t i = at; i < n; i++) {
			if (left[i] != order[k] && (k || left[i] != GENOPS_SENT_PARTLY))
				continue;
			struct genops_destination_item item = items[i];
			uint8_t kind = left[i];
			memmove(&items[at + 1], &items[at], (i - at) * sizeof *items);
			memmove(&left[at + 1], &left[at], i - at);
			items[at] = item;
			left[at++] = kind;
		}
		ends[k] = at;
	}
	*ret_n_sent = ends[0];
	*ret_n_rejected = ends[1] - ends[0];
}

bool genops_pump_batch_narrow(struct genops_pump_batch *batch, const struct genops_destination_batch *send)
{
	size_t n = send->n_records + send->n_items;
	batch->narrow = n / 2;
	return n > 1;
}

/* --- what is left --- */

bool genops_pump_batch_is_begun(const struct genops_pump_batch *batch)
{
	return batch->is_cut && (batch->record_at || batch->item_at);
}

bool genops_pump_batch_is_sent(const struct genops_pump_batch *batch)
{
	return genops_pump_batch_is_begun(batch) && batch->record_at == batch->n_records && batch->item_at == batch->n_items;
}

#define REST_ENTRIES 64

struct rest {
	struct genops_queue_entry entries[REST_ENTRIES];
	size_t ends[REST_ENTRIES], n;
	struct genops_buffer bytes;
	genops_pump_batch_emit_fn *emit;
	void *arg;
};

static int emit_rest(struct rest *rest, bool is_last, struct genops_error *err)
{
	if (rest->bytes.error)
		return genops_fail(err, rest->bytes.error, "no memory for what is left of a batch");
	for (size_t i = 0, at = 0; i < rest->n; i++) {
		rest->entries[i].payload = (genops_str){rest->bytes.ptr + at, rest->ends[i] - at};
		at = rest->ends[i];
	}
	int code = rest->emit(rest->arg, rest->entries, rest->n, is_last, err);
	rest->n = 0;
	genops_buffer_clear(&rest->bytes);
	return code;
}

static int add_rest(struct rest *rest, enum genops_entry_kind kind, struct genops_error *err)
{
	rest->entries[rest->n] = (struct genops_queue_entry){.kind = kind};
	rest->ends[rest->n++] = rest->bytes.len;
	return rest->n == REST_ENTRIES || rest->bytes.len >= GENOPS_QUEUE_BLOCK_MAX / 4 ? emit_rest(rest, false, err) : GENOPS_OK;
}

static int walk_rest(const struct genops_pump_batch *batch, struct rest *rest, struct genops_error *err)
{
	size_t at = 0, n_records = 0;
	for (size_t i = 0; i < batch->n_entries; i++) {
		genops_str entry = {batch->bytes.ptr + at, batch->entries[i].len};
		at += entry.len;
		if (batch->entries[i].is_routed || n_records++ < batch->record_at)
			continue;
		genops_buffer_add(&rest->bytes, entry);
		GENOPS_TRY(add_rest(rest, GENOPS_ENTRY_OPERATION, err));
	}
	for (size_t i = batch->item_at; i < batch->n_items; i++) {
		genops_routed_begin(&batch->destination, 1, &rest->bytes);
		genops_routed_add(&batch->items[i], &rest->bytes);
		GENOPS_TRY(add_rest(rest, GENOPS_ENTRY_ROUTED, err));
	}
	return emit_rest(rest, true, err);
}

int genops_pump_batch_rest(const struct genops_pump_batch *batch, genops_pump_batch_emit_fn *emit, void *arg, struct genops_error *err)
{
	struct rest rest = {.emit = emit, .arg = arg};
	genops_buffer_init(&rest.bytes, GENOPS_QUEUE_BLOCK_MAX * 2);
	int code = walk_rest(batch, &rest, err);
	genops_buffer_done(&rest.bytes);
	return code;
}
