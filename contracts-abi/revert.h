/* contracts-abi/revert.h
 *
 * Custom errors by name. Every place that reports a revert uses abi_format_revert, so a log says
 * BatchHashMismatch(0x.., 0x..) and never a bare selector (style of spec 30 §14).
 *
 * Knows all errors of the contracts (abi/vNN/errors.abi), Error(string) and Panic(uint256). */
#ifndef GH_ABI_REVERT_H
#define GH_ABI_REVERT_H

#include "contracts-abi/type.h"

#define ABI_ERROR_STRING    0x08c379a0u /* selector of Error(string) */
#define ABI_REVERT_TEXT_CAP 512         /* enough for every known error with word arguments */

/* One line, printable ASCII, always NUL-terminated, cut with "..." when cap is too small (cap >=
 * 4). Long byte strings are shortened. Unknown selectors and arguments that do not decode are shown
 * as hex. Total: any input gives a text. Returns the text length. */
size_t abi_format_revert(char *out, size_t cap, struct bytes revert_data);

/* Writes "BatchHashMismatch" and returns out; NULL for a selector no error line has. */
const char *abi_error_name(char *out, size_t cap, uint32_t selector);

#endif
