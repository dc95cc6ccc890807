/* SPDX-License-Identifier: Apache-2.0
 * ngx_modules.c - what nginx's own build generates for a dynamic module: which modules are in this file, and where the filter
 * stands: right behind copy_filter, so that it sees plain bytes before gzip, chunked and HTTP/2 framing.
 */
#include <ngx_config.h>
#include <ngx_core.h>

extern ngx_module_t ngx_http_genops_module;

ngx_module_t *ngx_modules[] = {&ngx_http_genops_module, NULL};

char *ngx_module_names[] = {"ngx_http_genops_module", NULL};

char *ngx_module_order[] = {"ngx_http_genops_module", "ngx_http_copy_filter_module", NULL};
