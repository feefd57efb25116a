//! What customers allowed: append-only records, and the decision at an instant.

mod record;

pub use record::{ConsentDecision, ConsentId, ConsentRecord, DecidedBy, decide};

use crate::vocabulary::vocabulary;

vocabulary! {
    /// What personal data is used for.
    ///
    /// Source: W3C Data Privacy Vocabulary 2.0, purposes.
    "purpose" open Purpose {
        /// Serving the customer.
        CustomerCare = "CustomerCare",
        /// Advertising to the customer directly.
        DirectMarketing = "DirectMarketing",
        /// Adapting offers and service to the person.
        Personalisation = "Personalisation",
        /// Providing what was ordered.
        ServiceProvision = "ServiceProvision",
        /// Finding out what customers do and want.
        ServiceUsageAnalytics = "ServiceUsageAnalytics",
    }
}

vocabulary! {
    /// What a consent record says.
    ///
    /// Source: W3C Data Privacy Vocabulary 2.0, consent statuses.
    "consent.status" ConsentStatus {
        /// Asked, not answered.
        Requested = "ConsentRequested",
        /// Asked; the answer was put off.
        RequestDeferred = "ConsentRequestDeferred",
        /// Given: valid.
        Given = "ConsentGiven",
        /// Given again: valid.
        RenewedGiven = "RenewedConsentGiven",
        /// Said no.
        Refused = "ConsentRefused",
        /// Taken back by the customer.
        Withdrawn = "ConsentWithdrawn",
        /// Ended by the company or an authority.
        Revoked = "ConsentRevoked",
        /// Ran out.
        Expired = "ConsentExpired",
        /// Found not to have been valid.
        Invalidated = "ConsentInvalidated",
        /// Nothing is known.
        Unknown = "ConsentUnknown",
    }
}

vocabulary! {
    /// Why data may be used at all.
    ///
    /// Source: Regulation (EU) 2016/679 (GDPR), Article 6(1)(a) to (f).
    "legal_basis" LegalBasis {
        /// The customer consented.
        Consent = "consent",
        /// A contract with the customer needs it.
        Contract = "contract",
        /// A law asks for it.
        LegalObligation = "legal_obligation",
        /// A life depends on it.
        VitalInterest = "vital_interest",
        /// The public interest asks for it.
        PublicInterest = "public_interest",
        /// The company's interest outweighs the customer's.
        LegitimateInterest = "legitimate_interest",
    }
}
