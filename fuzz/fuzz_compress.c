/* SPDX-License-Identifier: Apache-2.0
 * fuzz_compress.c - genops_compress_decode and _encode. Properties: whatever comes in, no more than
 * the bound comes out and a failure leaves the buffer as it was; what was encoded decodes to
 * itself. The first byte chooses the kind.
 */
#include "codec/compress.h"

#include <stdlib.h>

#define OUT_MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size || size > 65536)
		return 0;
	enum genops_compress_kind kind = (enum genops_compress_kind)(data[0] & 3);
	genops_str bytes = {(const char *)data + 1, size - 1};
	struct genops_buffer out, back;
	genops_buffer_init(&out, OUT_MAX);
	genops_buffer_init(&back, size);
	genops_buffer_add_text(&out, "kept");
	int code = genops_compress_decode(kind, bytes, &out, NULL);
	if (out.error || out.len > OUT_MAX || (code != GENOPS_OK && out.len != 4) ||
	    memcmp(out.ptr, "kept", 4) != 0)
		abort();
	genops_buffer_clear(&out);
	if (genops_compress_encode(kind, 1, bytes, &out, NULL) != GENOPS_OK ||
	    genops_compress_decode(kind, genops_buffer_view(&out), &back, NULL) != GENOPS_OK ||
	    back.len != bytes.len || (back.len && memcmp(back.ptr, bytes.ptr, back.len) != 0))
		abort();
	genops_buffer_done(&out);
	genops_buffer_done(&back);
	return 0;
}
