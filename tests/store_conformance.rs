//! Every store of the crate keeps the contract.
#![cfg(feature = "conformance")]

use patronage::store::{MemoryStore, conformance};

#[test]
fn memory_keeps_the_contract() {
    pollster::block_on(conformance::check_store(|| async { MemoryStore::new() }));
}
