use super::row::{Expected, Row};
use super::{DeskError, ReviewSettings};
use crate::because::Because;
use crate::tag::Tag;
use crate::task::{Priority, Task, TaskId};
use chrono::{DateTime, Utc};

/// The tasks to win back valuable customers who are about to be lost, most value at risk first.
pub(super) fn at_risk(
    rows: &[Row],
    expected: &[Expected],
    due: DateTime<Utc>,
    settings: &ReviewSettings,
) -> Result<Vec<Task>, DeskError> {
    #[expect(clippy::cast_precision_loss, reason = "a threshold needs no more than 53 bits")]
    let threshold = settings.customer_threshold.minor() as f64;
    let mut lost: Vec<(&Row, &Expected)> = rows
        .iter()
        .zip(expected)
        .filter(|(_, expected)| {
            expected.p_alive < settings.at_risk_below.get() && expected.value_at_risk() >= threshold
        })
        .collect();
    lost.sort_by(|a, b| {
        b.1.value_at_risk().total_cmp(&a.1.value_at_risk()).then(a.0.customer.cmp(&b.0.customer))
    });
    lost.truncate(settings.most_customers);
    lost.into_iter().map(|(row, expected)| win_back(row, expected, threshold, due, settings)).collect()
}

fn win_back(
    row: &Row,
    expected: &Expected,
    threshold: f64,
    due: DateTime<Utc>,
    settings: &ReviewSettings,
) -> Result<Task, DeskError> {
    // Named after the silence: a later purchase ends it, and the next silence is another task.
    let silence = row.last_purchase.to_string();
    let id = TaskId::derive(&["win_back", &row.customer.to_string(), &silence]);
    Ok(Task::new(id, Tag::literal("win_back"), due)?
        .for_customer(row.customer)
        .with_priority(Priority::High)
        .assigned_to(settings.sales_team)
        .because(
            Because::rule(Tag::literal("p_alive")).figure(expected.p_alive, settings.at_risk_below.get())?,
        )
        .because(
            Because::rule(Tag::literal("value_at_risk_minor"))
                .figure(libm::rint(expected.value_at_risk()), threshold)?,
        ))
}
