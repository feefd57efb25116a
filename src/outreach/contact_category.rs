use crate::vocabulary::vocabulary;

vocabulary! {
    /// What a contact is for; caps, quiet hours and exclusions are by category.
    "contact.category" open ContactCategory {
        /// About something the customer asked for, ordered or suffers from.
        Service = "service",
        /// Asks for the customer's opinion.
        Survey = "survey",
        /// Keeps in touch: news, events, thanks.
        Marketing = "marketing",
        /// Sells something.
        Offer = "offer",
    }
}

impl ContactCategory {
    /// Whether the contact is there to sell, now or later: marketing and offers.
    pub const fn is_selling(self) -> bool {
        matches!(self, Self::Marketing | Self::Offer)
    }
}

vocabulary! {
    /// What a contact has to pass, in the order in which it is checked.
    "contact.check" ContactCheck {
        /// The address is not on the list of those never to be used.
        Suppression = "suppression",
        /// There is consent, or another legal basis for the purpose.
        LegalBasis = "legal_basis",
        /// Nothing in the customer's situation speaks against it, such as an open complaint.
        Exclusion = "exclusion",
        /// The customer was not contacted too often already.
        FrequencyCap = "frequency_cap",
        /// The customer's clock shows no quiet hours.
        QuietHours = "quiet_hours",
        /// The customer's calendar shows no holiday.
        Holiday = "holiday",
        /// It is the channel the customer prefers.
        PreferredChannel = "preferred_channel",
    }
}
