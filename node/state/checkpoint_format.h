/* node/state/checkpoint_format.h
 *
 * Checkpoint file, version 1; integers little-endian.
 *
 *   header    0   8  "GHSTATE\0"
 *             8   4  version (1)
 *            12   4  header length (144)
 *            16   8  block
 *            24   8  leaf count, guards included
 *            32   8  timestamp of the block
 *            40   8  chain id
 *            48  32  tree root
 *            80  32  block hash
 *           112  32  blake2s of bytes 0..112
 *   leaves   leaf count times 80: key 32, value 32, next 8, flags 1 (1: account value), zeros 7
 *   preimages, each: tag 1, flags 1 (1: kept for ever), zeros 2, length 4, bytes
 *   end       1 byte 0
 *   trailer  32  blake2s of everything before it
 *
 * Hashes of preimages, the key index and the tree are made again when loading. */
#ifndef GH_STATE_CHECKPOINT_FORMAT_H
#define GH_STATE_CHECKPOINT_FORMAT_H

#define CKPT_MAGIC      "GHSTATE"
#define CKPT_VERSION    1u
#define CKPT_HEADER_LEN 144u
#define CKPT_HEADER_SUM 112u
#define CKPT_LEAF_LEN   80u
#define CKPT_TRAILER    32u
#define CKPT_PREFIX     "state-"
#define CKPT_SUFFIX     ".ckpt"
#define CKPT_TMP        ".tmp"
#define CKPT_NAME_MAX   48u

#endif
