use super::{Evidence, LoyaltyRung, Standing};
use crate::interaction::{Engagement, Interaction, Outcome};
use crate::vocabulary::vocabulary;
use serde::Serialize;

vocabulary! {
    /// What can be done during an interaction to move a customer up the ladder.
    "loyalty.step" LoyaltyStep {
        /// Settle what went wrong first: acknowledge, put right, and only then anything else.
        PutRight = "put_right",
        /// Ask how satisfied they are, because it is not known.
        AskForFeedback = "ask_for_feedback",
        /// Give a reason to buy again.
        InviteToBuyAgain = "invite_to_buy_again",
        /// Keep in touch: only time is missing.
        KeepInTouch = "keep_in_touch",
        /// Ask for a recommendation.
        AskForReferral = "ask_for_referral",
    }
}

/// One opportunity to move a customer up, and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LoyaltyOpportunity {
    /// What to do.
    pub step: LoyaltyStep,
    /// The rung it leads towards.
    pub towards: LoyaltyRung,
    /// The evidence that is missing for that rung; `None` where the interaction itself is the reason.
    pub because: Option<Evidence>,
}

impl Standing {
    /// Says how the customer can be moved up during this interaction: the steps towards the next rung, those first that come
    /// first.
    ///
    /// Service comes before selling: where the interaction went wrong (given up, unanswered, escalated, or the customer felt
    /// bad), or the customer is dissatisfied, there is one opportunity, to put it right. Nobody is invited to buy in an
    /// interaction about billing or a complaint, and nobody is asked for a referral before the matter is settled. Whether the
    /// customer may be contacted for it at all is for consent and contact policy to say.
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::customer::CustomerId;
    /// use patronage::interaction::{Interaction, InteractionId, Outcome};
    /// use patronage::loyalty::{LadderRule, LoyaltyEvidence, LoyaltyStep};
    ///
    /// let evidence = LoyaltyEvidence::default().satisfaction(Share::new(0.9)?).repeat_purchases(5).tenure_days(900);
    /// let loyal = LadderRule::default().standing(&evidence, None);
    /// let call = |outcome| {
    ///     let (id, customer) = (InteractionId::derive(&["call"]), CustomerId::derive(&["ada"]));
    ///     Interaction::builder(id, customer, Default::default()).outcome(outcome).build()
    /// };
    /// let steps = |outcome| Ok::<_, Box<dyn std::error::Error>>(loyal.opportunities(&call(outcome)?)[0].step);
    /// assert_eq!(steps(Outcome::Resolved)?, LoyaltyStep::AskForReferral);
    /// assert_eq!(steps(Outcome::Abandoned)?, LoyaltyStep::PutRight);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn opportunities(&self, interaction: &Interaction) -> Vec<LoyaltyOpportunity> {
        let towards = self.next().unwrap_or(self.rung());
        let outcome = interaction.outcome();
        let went_wrong =
            matches!(outcome, Some(Outcome::Abandoned | Outcome::Unanswered | Outcome::Escalated));
        let felt_bad = interaction.sentiment().is_some_and(|sentiment| sentiment.score() < 0.0);
        if went_wrong || felt_bad || self.rung() == LoyaltyRung::Dissatisfied {
            return vec![LoyaltyOpportunity { step: LoyaltyStep::PutRight, towards, because: None }];
        }
        let is_service = matches!(interaction.engagement(), Engagement::Support | Engagement::Billing);
        let settled = matches!(outcome, Some(Outcome::Resolved | Outcome::Sale));
        let mut found: Vec<LoyaltyOpportunity> = self
            .missing()
            .iter()
            .flatten()
            .filter_map(|reason| {
                let step = match reason.evidence {
                    Evidence::Satisfaction if reason.have.is_some() => LoyaltyStep::PutRight,
                    Evidence::Satisfaction => LoyaltyStep::AskForFeedback,
                    Evidence::RepeatPurchases if !is_service => LoyaltyStep::InviteToBuyAgain,
                    Evidence::TenureDays => LoyaltyStep::KeepInTouch,
                    Evidence::Referrals | Evidence::Recommendation if settled => LoyaltyStep::AskForReferral,
                    _ => return None,
                };
                Some(LoyaltyOpportunity { step, towards, because: Some(reason.evidence) })
            })
            .collect();
        found.sort_by_key(|opportunity| opportunity.step);
        found.dedup_by_key(|opportunity| opportunity.step);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::CustomerId;
    use crate::interaction::{Channel, InteractionBuilder, InteractionId, Sentiment, Touchpoint};
    use crate::loyalty::{LadderRule, LoyaltyEvidence};
    use crate::measure::Share;
    use crate::tag::Tag;

    fn contact() -> InteractionBuilder {
        let (id, customer) = (InteractionId::derive(&["contact"]), CustomerId::derive(&["customer"]));
        Interaction::builder(id, customer, chrono::DateTime::UNIX_EPOCH)
    }

    fn steps(evidence: LoyaltyEvidence, interaction: InteractionBuilder) -> Vec<LoyaltyStep> {
        let standing = LadderRule::default().standing(&evidence, None);
        let found = standing.opportunities(&interaction.build().unwrap());
        found.into_iter().map(|opportunity| opportunity.step).collect()
    }

    #[test]
    fn service_comes_before_selling() {
        let content = LoyaltyEvidence::default().satisfaction(Share::ONE);
        let selling = contact().at_place(Channel::Web, Touchpoint::SelfService, Engagement::Ordering);
        assert_eq!(steps(content, selling), [LoyaltyStep::InviteToBuyAgain, LoyaltyStep::KeepInTouch]);
        let billing = contact().at_place(Channel::Web, Touchpoint::SelfService, Engagement::Billing);
        assert_eq!(steps(content, billing), [LoyaltyStep::KeepInTouch]);
        let angry = Sentiment::new(-0.5, Tag::literal("agent"), Share::ONE).unwrap();
        assert_eq!(steps(content, contact().sentiment(angry)), [LoyaltyStep::PutRight]);
        assert_eq!(steps(content.satisfaction(Share::ZERO), contact()), [LoyaltyStep::PutRight]);
        assert_eq!(steps(LoyaltyEvidence::default(), contact()), [LoyaltyStep::AskForFeedback]);
        let advocate = content.repeat_purchases(9).tenure_days(999).referrals(2);
        assert_eq!(steps(advocate, contact()), []);
        assert_eq!(steps(advocate.referrals(0), contact()), []);
    }
}
