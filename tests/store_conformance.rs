//! The stores and notifiers of the crate keep their contracts, directly, shared, and in the tasks of a runtime.
#![cfg(feature = "conformance")]

use patronage::notify::conformance::{ABOUT, Failure, check_notifier};
use patronage::notify::{DeliveryError, MemoryNotifier};
use patronage::store::{MemoryStore, SharedStore, conformance};
use patronage::{IdempotencyKey, Tag};
use std::sync::Arc;

#[test]
fn memory_keeps_the_contract() {
    pollster::block_on(conformance::check_store(|| async { MemoryStore::new() }));
}

#[test]
fn a_shared_store_keeps_the_contract() {
    pollster::block_on(conformance::check_store(|| async { SharedStore::new(MemoryStore::new()) }));
}

#[test]
fn an_arc_of_a_store_keeps_the_contract() {
    pollster::block_on(conformance::check_store(|| async { Arc::new(MemoryStore::new()) }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_keeps_the_contract_in_a_spawned_task() {
    let direct = tokio::spawn(conformance::check_store(|| async { MemoryStore::new() }));
    let shared = tokio::spawn(conformance::check_store(|| async { SharedStore::new(MemoryStore::new()) }));
    direct.await.unwrap();
    shared.await.unwrap();
}

#[test]
fn rules_have_distinct_names_and_can_be_checked_one_by_one() {
    let mut names = conformance::RULES.to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), conformance::RULES.len());
    assert!(names.len() >= 30);

    let check = |rule| pollster::block_on(conformance::check_rule(rule, || async { MemoryStore::new() }));
    assert_eq!(check("kinds_are_applied_in_their_order"), Ok(()));
    assert_eq!(check("no_such_rule").unwrap_err().to_string(), "no_such_rule: there is no such rule");
}

fn received(notifier: &MemoryNotifier) -> Vec<IdempotencyKey> {
    notifier.delivered().iter().map(patronage::notify::Message::key).collect()
}

fn fail(notifier: &MemoryNotifier, how: Option<Failure>) {
    let problem = Tag::literal("told_to_fail");
    let error = how.map(|failure| match failure {
        Failure::Passing => DeliveryError::Transient { problem, retry_after: None },
        Failure::Lasting => DeliveryError::Permanent { problem },
    });
    notifier.fail(ABOUT, error);
}

#[test]
fn the_memory_notifier_keeps_the_contract() {
    pollster::block_on(check_notifier(|| async { MemoryNotifier::new() }, received, fail));
    pollster::block_on(check_notifier(
        || async { Arc::new(MemoryNotifier::new()) },
        |notifier| received(notifier),
        |notifier, how| fail(notifier, how),
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_notifier_keeps_the_contract_in_a_spawned_task() {
    let check = check_notifier(|| async { MemoryNotifier::new() }, received, fail);
    tokio::spawn(check).await.unwrap();
}
