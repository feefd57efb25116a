use super::{CaseId, CaseStatus, Severity};
use crate::interaction::{Channel, Direction, Interaction, InteractionId, Outcome};
use crate::key::IdempotencyKey;
use crate::pii::Pii;
use crate::tag::Tag;
use crate::task::Priority;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Something that happened in a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// Who did it: a staff number or a program. `None` for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Tag>,
    /// What.
    pub change: CaseChange,
}

/// What happened in a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CaseChange {
    /// It stands elsewhere. To mark a duplicate, say of which case: [`DuplicateOf`](Self::DuplicateOf).
    Moved(CaseStatus),
    /// It is the same matter as another case, which goes on alone.
    DuplicateOf(CaseId),
    /// Customer and company met about it, on any channel.
    Contact {
        /// The interaction.
        interaction: InteractionId,
        /// On which channel.
        channel: Channel,
        /// Who began. What the company begins answers the customer.
        direction: Direction,
        /// How it ended.
        outcome: Option<Outcome>,
    },
    /// Somebody has it now: a team or a staff number.
    Assigned(Tag),
    /// It is under this service level now.
    UnderSla(Tag),
    /// How pressing it is now.
    Prioritised(Priority),
    /// How bad it is now.
    Graded(Severity),
    /// The company promised something.
    Promised {
        /// What, by a name of its own within the case.
        promise: Tag,
        /// By when.
        due: DateTime<Utc>,
    },
    /// A promise was kept.
    Kept(Tag),
    /// The customer told something they must not be asked again.
    Told {
        /// What it is about, for example `serial_number`.
        about: Tag,
        /// What they said, at most 4,096 bytes.
        fact: Pii<String>,
    },
    /// It was escalated; the key keeps it from being escalated twice for one cause.
    Escalated {
        /// The key of the escalation.
        key: IdempotencyKey,
        /// By which rule.
        rule: Tag,
        /// To which level.
        level: u8,
        /// To whom.
        to: Tag,
    },
}

impl CaseEvent {
    /// Something that happened at an instant.
    pub const fn new(at: DateTime<Utc>, change: CaseChange) -> Self {
        Self { at, by: None, change }
    }

    /// Names who did it.
    #[must_use]
    pub fn by(self, who: Tag) -> Self {
        Self { by: Some(who), ..self }
    }

    /// An interaction about the case, at the instant it began.
    pub fn contact(interaction: &Interaction) -> Self {
        let change = CaseChange::Contact {
            interaction: interaction.id(),
            channel: interaction.channel(),
            direction: interaction.direction(),
            outcome: interaction.outcome(),
        };
        Self { at: interaction.at(), by: interaction.served_by(), change }
    }
}
