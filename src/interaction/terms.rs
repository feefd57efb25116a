use crate::vocabulary::vocabulary;

vocabulary! {
    /// Where an interaction took place.
    ///
    /// # Example
    /// ```
    /// use patronage::Tag;
    /// use patronage::interaction::Channel;
    ///
    /// assert_eq!("call_centre".parse(), Ok(Channel::CallCentre));
    /// assert_eq!(Channel::Other(Tag::literal("kiosk")).to_string(), "other:kiosk");
    /// ```
    "channel" open Channel {
        /// A web site.
        Web = "web",
        /// A mobile app or a mobile device.
        Mobile = "mobile",
        /// A shop or branch.
        Store = "store",
        /// The call centre.
        CallCentre = "call_centre",
    }
}

vocabulary! {
    /// By what means customer and company met.
    "touchpoint" open Touchpoint {
        /// A phone call with the call centre.
        PhoneCallCentre = "phone_call_centre",
        /// A phone call with an interactive voice response system.
        PhoneIvr = "phone_ivr",
        /// A phone call with someone in the house: a shop, an office.
        PhoneInHouse = "phone_in_house",
        /// A social network.
        Social = "social",
        /// An e-mail.
        Email = "email",
        /// A chat.
        Chat = "chat",
        /// Self-service on the web or in an app.
        SelfService = "self_service",
        /// A meeting in person.
        InPerson = "in_person",
        /// A letter or parcel.
        Mail = "mail",
        /// An advertisement, a leaflet, a catalogue.
        MarketingMaterial = "marketing_material",
    }
}

vocabulary! {
    /// Which part of the business an interaction belongs to.
    "engagement" open Engagement {
        /// Choosing and placing an order.
        Ordering = "ordering",
        /// Delivery, installation, returns.
        Fulfilment = "fulfilment",
        /// Invoices and payments.
        Billing = "billing",
        /// Help and complaints.
        Support = "support",
        /// Selling by a person.
        Sales = "sales",
        /// Campaigns and information.
        Marketing = "marketing",
    }
}

vocabulary! {
    /// Who began an interaction.
    "direction" Direction {
        /// The customer.
        Inbound = "inbound",
        /// The company.
        Outbound = "outbound",
        /// Within the company, about the customer.
        Internal = "internal",
    }
}

vocabulary! {
    /// Who or what served the customer.
    "agent" open Agent {
        /// A person.
        Person = "person",
        /// An interactive voice response system.
        Ivr = "ivr",
        /// A bot.
        Bot = "bot",
        /// The customers themselves.
        SelfService = "self_service",
    }
}

vocabulary! {
    /// How an interaction ended.
    "outcome" open Outcome {
        /// The matter is settled.
        Resolved = "resolved",
        /// Handed to a higher level.
        Escalated = "escalated",
        /// A call-back was arranged.
        CallbackScheduled = "callback_scheduled",
        /// Something remains to be done.
        FollowUp = "follow_up",
        /// The customer gave up.
        Abandoned = "abandoned",
        /// Handed to someone else.
        Transferred = "transferred",
        /// The question could not be answered; carries an escalation or a reason.
        Unanswered = "unanswered",
        /// The customer bought.
        Sale = "sale",
        /// The customer complained.
        Complaint = "complaint",
    }
}
