use super::Message;
use crate::notification::Recipient;
use crate::pii::Pii;
use std::fmt::Write;

/// Subject and text of an e-mail. `Debug` shows neither.
///
/// # Example
/// ```
/// use patronage::notify::Letter;
///
/// let letter = Letter::new("Your order\r\nBcc: everybody@example.org", "It is on its way.");
/// assert_eq!(letter.subject(), "Your order Bcc: everybody@example.org");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Letter {
    subject: Pii<String>,
    text: Pii<String>,
}

impl Letter {
    /// A letter. Line breaks and other control characters in the subject become blanks: a subject is one line.
    pub fn new(subject: &str, text: &str) -> Self {
        let mut line = String::with_capacity(subject.len());
        for part in subject.split(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            if !part.is_empty() {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(part);
            }
        }
        Self { subject: Pii::new(line), text: Pii::new(text.to_owned()) }
    }

    /// The letter of a message as it is: the subject is what it is about in words, the text is its text. Staff are told
    /// the reasons too; customers are not. `None` for a message to a customer that has no text.
    pub fn plain(message: &Message) -> Option<Self> {
        let mut text = message.text().map(|text| text.expose().clone());
        if let Recipient::Staff(_) = message.to() {
            let text = text.get_or_insert_default();
            if !text.is_empty() && !message.reasons().is_empty() {
                text.push_str("\n\n");
            }
            for reason in message.reasons() {
                // Writing into a string does not fail.
                let _ = writeln!(text, "{reason}");
            }
        }
        Some(Self::new(&message.about().as_str().replace('_', " "), &text?))
    }

    /// The subject, one line.
    pub const fn subject(&self) -> &str {
        self.subject.expose().as_str()
    }

    /// The text.
    pub const fn text(&self) -> &str {
        self.text.expose().as_str()
    }
}
