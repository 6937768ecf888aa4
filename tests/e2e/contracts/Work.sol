// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// Work of one kind at a time: computation, storage, logs, failure in every way, creation.
contract Work {
    uint256 public last;
    mapping(uint256 => uint256) public slots;
    uint256[] public list;

    event Did(uint256 indexed what, address indexed by, bytes data);
    error Refused(uint256 code, string why);

    receive() external payable {}

    /// Hashes again and again: much native resource for little gas.
    function loop(uint256 n) external returns (bytes32 h) {
        h = bytes32(n);
        for (uint256 i = 0; i < n; i++) h = keccak256(abi.encode(h));
        last = uint256(h);
    }

    /// Multiplies again and again: gas, hardly any pubdata.
    function spin(uint256 n) external returns (uint256 x) {
        x = 3;
        for (uint256 i = 0; i < n; i++) x = mulmod(x, x + 1, type(uint256).max - 58);
        last = x;
    }

    /// n new slots of 32 random bytes: pubdata.
    function fill(uint256 from, uint256 n) external {
        for (uint256 i = from; i < from + n; i++) slots[i] = uint256(keccak256(abi.encode(i, msg.sender, slots[i])));
    }

    function clear(uint256 from, uint256 n) external {
        for (uint256 i = from; i < from + n; i++) slots[i] = 0;
    }

    function push(uint256 v) external { list.push(v); }

    function shout(uint256 what, bytes calldata data) external { emit Did(what, msg.sender, data); }

    function failWithReason() external pure { revert("no, thank you"); }
    function failWithError() external pure { revert Refused(42, "custom"); }
    function failWithPanic(uint256 by) external pure returns (uint256) { return 1 / by; }
    function failEmpty() external pure { assembly { revert(0, 0) } }
    function failInvalid() external pure { assembly { invalid() } }

    /// Catches the failure of an inner call whose writes must be undone.
    function outer() external returns (bool ok) {
        slots[1001] = 1;
        try this.inner() { ok = true; } catch { ok = false; }
        slots[1003] = 3;
    }
    function inner() external { slots[1002] = 2; revert("inner"); }

    function createChild(bytes32 salt) external returns (address a) {
        a = address(new Child{salt: salt}(uint256(salt)));
        emit Did(7, a, "");
    }

    function environment() external view returns (uint256 chain, uint256 number, uint256 time, uint256 baseFee, address coinbase, uint256 random, uint256 limit, bytes32 parent) {
        return (block.chainid, block.number, block.timestamp, block.basefee, block.coinbase, block.prevrandao, block.gaslimit, blockhash(block.number - 1));
    }

    function transientOnly() external returns (uint256 v) {
        assembly { tstore(1, 77) v := tload(1) }
        last = v;
    }
}

contract Child {
    uint256 public immutable value;
    constructor(uint256 v) payable { value = v; }
    function die(address payable to) external { selfdestruct(to); }
}
