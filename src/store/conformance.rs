//! Whether a store keeps the contract of [`Store`]: one check for each rule, on a fresh store, for every adapter and
//! for yours.
//!
//! # Example
//! ```
//! use patronage::store::{MemoryStore, conformance};
//!
//! pollster::block_on(conformance::check_store(|| async { MemoryStore::new() }));
//! ```

mod atomic;
mod door;
mod due;
mod dump;
mod facts;
mod given;
mod reference;
mod values;
mod versions;
mod windows;

pub use dump::{Dump, dump};
pub use reference::{Step, Steps, agree};

use super::Store;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// A rule of the contract that a store does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    rule: String,
    problem: String,
}

impl Broken {
    /// The name of the rule, one of [`RULES`].
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// What the store did.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.problem)
    }
}

impl std::error::Error for Broken {}

/// What a check found wrong. Any error will do, so that checks can use `?`.
struct Problem(String);

impl<E: std::error::Error> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(format!("failed: {error}"))
    }
}

type Checked = Result<(), Problem>;
type Check<'a> = Pin<Box<dyn Future<Output = Checked> + Send + 'a>>;

/// Goes on where a condition holds.
macro_rules! ensure {
    ($condition:expr, $($problem:tt)+) => {
        if !$condition {
            return Err($crate::store::conformance::Problem(format!($($problem)+)));
        }
    };
}

/// Goes on where two values are equal.
macro_rules! ensure_eq {
    ($found:expr, $wanted:expr, $($problem:tt)+) => {
        match (&$found, &$wanted) {
            (found, wanted) => {
                if found != wanted {
                    let problem = format!($($problem)+);
                    return Err($crate::store::conformance::Problem(format!(
                        "{problem}: found {found:?} where {wanted:?} was wanted"
                    )));
                }
            }
        }
    };
}

/// Goes on where a result is a certain refusal.
macro_rules! ensure_refused {
    ($result:expr, $pattern:pat $(if $guard:expr)?, $($problem:tt)+) => {
        match $result {
            Err($pattern) $(if $guard)? => {}
            other => {
                let problem = format!($($problem)+);
                return Err($crate::store::conformance::Problem(format!("{problem}: the answer was {other:?}")));
            }
        }
    };
}

use {ensure, ensure_eq, ensure_refused};

macro_rules! rules {
    ($($module:ident { $($rule:ident)+ })+) => {
        /// The names of all rules, in the order of the contract.
        pub const RULES: &[&str] = &[$($(stringify!($rule),)+)+];

        /// The check of a rule. It is sent to other threads where the store is.
        fn check<'a, S: Store>(rule: &str, store: &'a S) -> Option<Check<'a>> {
            $($(
                if rule == stringify!($rule) {
                    return Some(Box::pin($module::$rule(store)));
                }
            )+)+
            None
        }
    };
}

rules! {
    atomic {
        a_change_set_is_applied_wholly
        a_refused_customer_leaves_nothing_behind
        a_refused_stage_change_leaves_nothing_behind
        a_refused_consent_leaves_nothing_behind
        a_refused_purchase_leaves_nothing_behind
        a_refused_interaction_leaves_nothing_behind
        a_refused_task_leaves_nothing_behind
        a_refused_matter_leaves_nothing_behind
        a_refused_notification_leaves_nothing_behind
        a_refused_settlement_leaves_nothing_behind
        nothing_is_notified_for_a_refused_change_set
    }
    door {
        receipts_count_what_took_effect
        an_empty_change_set_is_committed
        a_repeated_change_set_changes_nothing_and_returns_the_first_receipt
        author_and_instant_do_not_make_another_change_set
        another_payload_under_a_used_key_is_refused
        a_refused_change_set_leaves_its_key_free
        the_same_payload_under_another_key_is_another_change_set
        kinds_are_applied_in_their_order
        within_a_kind_the_order_is_that_of_adding
        commits_at_the_same_time_do_not_mix
    }
    versions {
        new_customers_get_version_one_and_changes_count
        a_customer_changed_meanwhile_is_refused
        a_new_customer_that_exists_and_an_unknown_one_that_changed_are_refused
        new_tasks_get_version_one_and_changes_count
        a_task_changed_meanwhile_is_refused
        a_task_moves_by_the_table_of_its_states
        new_matters_get_version_one_and_changes_count
        a_matter_changed_meanwhile_is_refused
        a_matter_goes_on_from_the_stored_history
        one_open_call_back_for_each_customer_and_reason
        stage_changes_follow_the_stored_history
        an_identity_belongs_to_one_customer
        an_identity_that_was_dropped_is_free_again
    }
    facts {
        known_consents_change_nothing
        known_purchases_change_nothing
        known_interactions_change_nothing
        known_notifications_change_nothing
        other_content_under_a_known_id_is_refused
        a_fact_twice_in_one_change_set_is_stored_once
        facts_about_unknown_customers_are_refused
        stage_changes_and_tasks_about_unknown_customers_are_refused
        matters_about_unknown_customers_are_refused
    }
    windows {
        pages_of_customers_cover_everything_once
        pages_of_tasks_cover_everything_once
        pages_of_matters_cover_everything_once
        pages_of_jobs_cover_everything_once
        windows_by_id_ascend_and_leave_out_the_unknown
        lifecycles_are_those_that_have_begun
        matters_come_by_customer_then_id
        waking_matters_come_by_their_instant_then_id
        consents_come_by_customer_then_time_then_id
        purchases_come_by_customer_then_time_then_id
        interactions_come_by_customer_then_time_then_id
        periods_hold_their_start_and_not_their_end
        windows_take_many_ids
        reading_changes_nothing
    }
    values {
        customers_come_back_as_committed
        consents_come_back_as_committed
        lifecycles_come_back_as_committed
        purchases_come_back_as_committed
        interactions_come_back_as_committed
        tasks_come_back_as_committed
        matters_come_back_as_committed
        notifications_come_back_as_committed
        what_is_not_set_stays_unset
        values_at_their_limits_come_back
        every_term_comes_back
    }
    due {
        a_notification_is_a_scheduled_job
        claims_return_due_jobs_by_time_then_key_up_to_the_limit
        a_leased_job_is_not_claimed_again_until_its_lease_runs_out
        jobs_with_expired_leases_keep_their_place
        claims_count_attempts_and_raise_the_fence
        claims_at_the_same_time_share_no_job
        a_delivered_job_is_final
        a_retried_job_waits_for_its_time
        an_exhausted_job_stays_visible_and_can_be_requeued
        a_cancelled_job_is_never_claimed
        only_the_latest_claim_settles
        an_expired_claim_settles_while_nobody_else_has_claimed
        settlements_follow_the_table
        a_settlement_of_an_unknown_job_is_refused
        a_settled_notification_is_still_known
    }
    reference {
        random_changes_end_as_in_the_reference
    }
}

/// Checks one rule on a fresh store.
///
/// # Errors
/// [`Broken`] where the store does not keep the rule, or there is no rule of this name.
pub async fn check_rule<S: Store, F: Future<Output = S>>(
    rule: &str,
    fresh: impl Fn() -> F,
) -> Result<(), Broken> {
    let broken = |problem: String| Broken { rule: rule.to_owned(), problem };
    let store = fresh().await;
    let check = check(rule, &store).ok_or_else(|| broken("there is no such rule".to_owned()))?;
    check.await.map_err(|Problem(problem)| broken(problem))
}

/// The rules that a store does not keep: none for a store that keeps the contract.
///
/// # Arguments
/// `fresh`: makes an empty store; it is called for every rule.
pub async fn broken_rules<S: Store, F: Future<Output = S>>(fresh: impl Fn() -> F) -> Vec<Broken> {
    let mut broken = Vec::new();
    for rule in RULES {
        broken.extend(check_rule(rule, &fresh).await.err());
    }
    broken
}

/// Checks every rule, for a test of your store. Run it on the store itself, through
/// [`SharedStore`](super::SharedStore), and inside the spawned task of a runtime.
///
/// # Arguments
/// `fresh`: makes an empty store; it is called for every rule.
///
/// # Panics
/// When the store does not keep the contract; the message names every broken rule and what happened.
pub async fn check_store<S: Store, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let broken: Vec<String> = broken_rules(fresh).await.iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "the store breaks its contract:\n  {}", broken.join("\n  "));
}
