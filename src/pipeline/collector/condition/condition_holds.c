/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/condition/condition_holds.c - evaluating: OTTL's comparison rules (pkg/ottl/compare.go). Recursion is as deep as the
 * parser allowed. */
#include "pipeline/collector/condition/condition.h"

#include "base/str.h"

static bool holds_order(enum genops_condition_operator op, int order)
{
	switch (op) {
	case GENOPS_CONDITION_EQ:
		return order == 0;
	case GENOPS_CONDITION_NE:
		return order != 0;
	case GENOPS_CONDITION_LT:
		return order < 0;
	case GENOPS_CONDITION_LE:
		return order <= 0;
	case GENOPS_CONDITION_GE:
		return order >= 0;
	default:
		return order > 0;
	}
}

static bool compare_real(enum genops_condition_operator op, double a, double b)
{
	if (a != a || b != b)
		return op == GENOPS_CONDITION_NE;
	return holds_order(op, a < b ? -1 : a > b);
}

static int order_bytes(genops_str a, genops_str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
	return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

static bool is_number(const struct genops_otlp_value *value)
{
	return value->type == GENOPS_OTLP_INT || value->type == GENOPS_OTLP_DOUBLE;
}

static double as_real(const struct genops_otlp_value *value)
{
	return value->type == GENOPS_OTLP_INT ? (double)value->integer : value->number;
}

static bool compare(enum genops_condition_operator op, const struct genops_otlp_value *a, const struct genops_otlp_value *b)
{
	if (is_number(a) && is_number(b) && (a->type == GENOPS_OTLP_DOUBLE || b->type == GENOPS_OTLP_DOUBLE))
		return compare_real(op, as_real(a), as_real(b));
	if (a->type != b->type)
		return op == GENOPS_CONDITION_NE;
	switch (a->type) {
	case GENOPS_OTLP_NONE:
		return op == GENOPS_CONDITION_EQ || op == GENOPS_CONDITION_LE || op == GENOPS_CONDITION_GE;
	case GENOPS_OTLP_BOOL:
	case GENOPS_OTLP_INT:
		return holds_order(op, a->integer < b->integer ? -1 : a->integer > b->integer);
	case GENOPS_OTLP_STRING:
	case GENOPS_OTLP_BYTES:
		return holds_order(op, order_bytes(a->bytes, b->bytes));
	default:
		return (op == GENOPS_CONDITION_EQ || op == GENOPS_CONDITION_NE) && holds_order(op, !genops_item_value_equal(a, b));
	}
}

/* As there, bytes that are empty are nothing. */
static void make_nil(struct genops_otlp_value *value)
{
	if (value->type == GENOPS_OTLP_BYTES && !value->bytes.len)
		value->type = GENOPS_OTLP_NONE;
}

/* Has any data point of the metric this attribute, and (value given) this text? */
static bool has_point_attribute(const struct genops_item *item, genops_str key, const genops_str *value)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	struct genops_otlp_value found;
	genops_str data = {0};
	uint32_t number = genops_item_metric_data(item->encoded, &data);
	genops_wire_reader_init(&in, data, 0);
	while (number && genops_wire_next(&in, &field) > 0) {
		if (field.number != 1 || field.type != GENOPS_WIRE_BYTES)
			continue;
		if (genops_item_attribute(field.bytes, genops_item_point_attributes_field(number), key, &found) &&
		    (!value || (found.type == GENOPS_OTLP_STRING && genops_str_equal(found.bytes, *value))))
			return true;
	}
	return false;
}

static bool is_root_span(const struct genops_item *item)
{
	genops_str parent = genops_item_text(item->encoded, 4);
	for (size_t i = 0; i < parent.len; i++) {
		if (parent.ptr[i])
			return false;
	}
	return true;
}

static int is_match(
    const struct genops_condition_node *node, struct genops_processor_run *run, const struct genops_otlp_value *value, struct genops_error *err)
{
	if (value->type == GENOPS_OTLP_NONE)
		return 0;
	genops_str text = genops_item_value_text(value, &run->arena);
	if (!text.ptr)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for a value");
	return genops_item_match_text(&node->pattern, run, text, err);
}

static int call_text(const struct genops_condition_node *node, const struct genops_otlp_value *value, struct genops_error *err)
{
	bool is_prefix = node->function == GENOPS_CONDITION_HAS_PREFIX;
	if (value->type != GENOPS_OTLP_STRING)
		return genops_fail(err, GENOPS_UNSUPPORTED, "%s of something that is no text", is_prefix ? "HasPrefix" : "HasSuffix");
	return is_prefix ? genops_str_starts(value->bytes, node->right->value.bytes) : genops_str_ends(value->bytes, node->right->value.bytes);
}

static int call(const struct genops_condition_node *node, struct genops_processor_run *run, const struct genops_item *item,
    struct genops_error *err)
{
	static const uint8_t types[] = {[GENOPS_CONDITION_IS_STRING] = GENOPS_OTLP_STRING,
	    [GENOPS_CONDITION_IS_BOOL] = GENOPS_OTLP_BOOL,
	    [GENOPS_CONDITION_IS_INT] = GENOPS_OTLP_INT,
	    [GENOPS_CONDITION_IS_DOUBLE] = GENOPS_OTLP_DOUBLE,
	    [GENOPS_CONDITION_IS_MAP] = GENOPS_OTLP_KVLIST,
	    [GENOPS_CONDITION_IS_LIST] = GENOPS_OTLP_ARRAY};
	struct genops_otlp_value value = {0};
	if (node->function == GENOPS_CONDITION_IS_ROOT_SPAN)
		return is_root_span(item);
	if (node->function == GENOPS_CONDITION_HAS_ATTR_KEY)
		return has_point_attribute(item, node->left->value.bytes, NULL);
	if (node->function == GENOPS_CONDITION_HAS_ATTR)
		return has_point_attribute(item, node->left->value.bytes, &node->right->value.bytes);
	GENOPS_TRY(genops_condition_value(node->left, run, item, &value, err));
	if (node->function == GENOPS_CONDITION_IS_MATCH)
		return is_match(node, run, &value, err);
	if (node->function == GENOPS_CONDITION_HAS_PREFIX || node->function == GENOPS_CONDITION_HAS_SUFFIX)
		return call_text(node, &value, err);
	return value.type == types[node->function];
}

static int holds(const struct genops_condition_node *node, struct genops_processor_run *run, const struct genops_item *item,
    struct genops_error *err)
{
	struct genops_otlp_value left, right;
	int is_true;
	switch (node->kind) {
	case GENOPS_CONDITION_OR:
		is_true = holds(node->left, run, item, err);
		return is_true ? is_true : holds(node->right, run, item, err);
	case GENOPS_CONDITION_AND:
		is_true = holds(node->left, run, item, err);
		return is_true == 1 ? holds(node->right, run, item, err) : is_true;
	case GENOPS_CONDITION_NOT:
		is_true = holds(node->left, run, item, err);
		return is_true < 0 ? is_true : !is_true;
	case GENOPS_CONDITION_COMPARE:
		GENOPS_TRY(genops_condition_value(node->left, run, item, &left, err));
		GENOPS_TRY(genops_condition_value(node->right, run, item, &right, err));
		make_nil(&left);
		make_nil(&right);
		return compare(node->op, &left, &right);
	case GENOPS_CONDITION_CALL:
		return call(node, run, item, err);
	default:
		return node->value.integer != 0; /* true, false: nothing else gets here */
	}
}

int genops_condition_holds(const struct genops_condition *condition, struct genops_processor_run *run, const struct genops_item *item,
    struct genops_error *err)
{
	return holds(condition->root, run, item, err);
}
