// ethers for scripts that live outside this folder, where its node_modules are not found.
export * from 'ethers';
