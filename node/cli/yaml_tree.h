/* node/cli/yaml_tree.h   (inside the executable)
 *
 * A YAML file as a JSON tree: maps, lists and texts (every scalar is a text; an empty or null one is left out). For files whose shape is not a
 * flat table of keys. Bounded in size and depth; aliases, several documents and repeated keys are refused. */
#ifndef GH_CLI_YAML_TREE_H
#define GH_CLI_YAML_TREE_H

#include <jansson.h>

#include "node/base/err.h"

/* Caller: json_decref. NULL with words that name file and line. */
MUST_USE json_t *yaml_tree_load(const char *path, struct err *err);

#endif
