//! How do I tell people my own way? A notifier that puts each message into a file of its own, named after its key, so
//! that a message delivered twice is there once: `cargo run --example bring_your_own_notifier`.

use patronage::customer::{Contact, ContactPoint, Customer, CustomerId, CustomerKind};
use patronage::desk::{Desk, Settings};
use patronage::notification::{Notification, Recipient};
use patronage::notify::{DeliveryError, Message, Notifier};
use patronage::store::{ChangeSet, MemoryStore};
use patronage::{IdempotencyKey, Tag};
use std::error::Error;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Delivers messages as files in a folder.
#[derive(Debug)]
pub(crate) struct Letterbox {
    folder: PathBuf,
}

impl Letterbox {
    /// A letterbox in a folder that exists.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Where the messages go.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The keys of the messages that were delivered.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(crate) fn keys(&self) -> std::io::Result<Vec<String>> {
        let names =
            fs::read_dir(self.folder())?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<std::io::Result<Vec<_>>>()?;
        names.retain(|name| !name.contains('.'));
        names.sort();
        Ok(names)
    }
}

impl Notifier for Letterbox {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        let path = self.folder().join(message.key().to_string());
        if path.exists() {
            return Ok(());
        }
        let text = message.text().map_or("", |text| text.expose());
        let address = match message.address() {
            Some(Contact::Email(address)) => address.expose(),
            _ => "the team",
        };
        // Written beside and renamed, so that a crash leaves no half of a message behind.
        let part = path.with_extension("part");
        let written = fs::File::create(&part)
            .and_then(|mut file| {
                writeln!(file, "to: {address}\nabout: {}\n\n{text}", message.about())?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&part, &path));
        written.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied => {
                DeliveryError::Permanent { problem: Tag::literal("no_letterbox") }
            }
            _ => DeliveryError::Transient { problem: Tag::literal("disk"), retry_after: None },
        })
    }
}

/// Prints the answer to `out`, delivering into `folder`.
///
/// # Errors
/// When the desk fails.
pub(crate) fn run(folder: &Path, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let now = "2026-03-01T10:00:00Z".parse()?;
    let desk = Desk::new(MemoryStore::new(), Letterbox::new(folder), Settings::default());

    let ada = CustomerId::derive(&["shop", "customer 17"]);
    let customer = Customer::new(ada, CustomerKind::Person, now)?
        .with_contact(ContactPoint::new(Contact::email("ada@example.org")?).preferred())?;
    let key = IdempotencyKey::derive(&["order confirmed", "4711"]);
    let told = Notification::new(key, Recipient::Customer(ada), Tag::literal("order_confirmed"), now)?
        .via(patronage::interaction::Touchpoint::Email)
        .with_text("Thank you, your order is on its way.")?;
    let changes = ChangeSet::new(key, now, Tag::literal("shop"))?.customer(customer).notification(told);

    pollster::block_on(async {
        desk.record(&changes).await?;
        let deliveries = desk.run_due(now).await?;
        writeln!(out, "delivered {}, to be tried again {}", deliveries.delivered, deliveries.retried)?;
        for key in desk.notifier().keys()? {
            writeln!(out, "{key}:\n{}", fs::read_to_string(folder.join(&key))?)?;
        }
        Ok(())
    })
}

#[allow(dead_code, reason = "tests include this file as a module and call `run`")]
fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join("patronage_letterbox");
    fs::create_dir_all(&folder)?;
    run(&folder, &mut std::io::stdout().lock())
}
