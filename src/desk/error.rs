use crate::money::MoneyError;
use crate::pain::PainError;
use crate::service::ServiceError;
use crate::store::StoreError;
use crate::task::TaskError;
use crate::validation::ValidationError;

/// Why a desk did not do what it was asked. Nothing that was committed before is undone.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DeskError {
    /// The store failed or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A date or figure is outside its range.
    #[error(transparent)]
    Validation(#[from] ValidationError),
    /// A matter could not be looked after.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A reminder does not allow what was asked.
    #[error(transparent)]
    Reminder(#[from] TaskError),
    /// Amounts of several currencies met; a review reads one.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// Interactions could not be searched for pain points.
    #[error(transparent)]
    Pain(#[from] PainError),
}
