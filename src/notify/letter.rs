use super::Message;
use crate::notification::Recipient;
use crate::pii::Pii;
use std::fmt::Write;

const LONGEST_SUBJECT: usize = 200;

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
    /// A letter. A subject is one line of 200 characters at most: line breaks and other control characters become blanks,
    /// and what is longer is cut, because relays refuse longer lines.
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
        if let Some((cut, _)) = line.char_indices().nth(LONGEST_SUBJECT - 1)
            && line.chars().count() > LONGEST_SUBJECT
        {
            line.truncate(cut);
            line.push('…');
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line_that_is_not_too_long() {
        for (subject, line) in [
            ("", String::new()),
            ("\r\n", String::new()),
            ("a\r\n\tb\u{2028}c\u{85}", "a b c".to_owned()),
            (&"é".repeat(200), "é".repeat(200)),
            (&"é".repeat(201), format!("{}…", "é".repeat(199))),
        ] {
            assert_eq!(Letter::new(subject, "").subject(), line);
        }
    }
}
