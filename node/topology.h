/* node/topology.h
 *
 * The only place that knows every component: creates them in dependency order, wires their callbacks, destroys them in
 * reverse. Order: store, state, mempool, chain, rpc | L1 client, discovery, settlement, watcher. The chain and RPC never wait for
 * L1: what L1 is needed for begins when it answers. */
#ifndef GH_NODE_TOPOLOGY_H
#define GH_NODE_TOPOLOGY_H

#include "node/config.h"

/* Runs until a stop signal. 0: a clean stop. Otherwise *err says why the node could not start or go on. */
MUST_USE int topology_run(const struct config *cfg, struct err *err);

extern const char gatehouse_version[];

#endif
