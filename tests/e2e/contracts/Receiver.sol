// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// Takes messages of bundles; refuses while it is told to.
contract Receiver {
    bool public closed;
    bytes public words; // what it reverts with instead, if any
    uint256 public received;
    mapping(bytes32 => uint256) public times; // by receive id

    error Closed(string why);

    receive() external payable {}

    function close(bool c) external {
        closed = c;
    }

    function say(bytes calldata w) external {
        words = w;
    }

    function receiveMessage(bytes32 receiveId, bytes calldata, bytes calldata) external payable returns (bytes4) {
        if (closed) revert Closed("not today");
        bytes memory w = words;
        if (w.length > 0) assembly { revert(add(w, 32), mload(w)) }
        received++;
        times[receiveId]++;
        return 0x2432ef26;
    }
}
