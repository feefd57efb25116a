//! The graph as text that programs draw.

use super::graph::{Edge, Node};
use super::{Durations, JourneyGraph};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::fmt::Write;

impl JourneyGraph {
    /// The graph in the language of Graphviz: activities with their events, edges with their count and how long the
    /// middle one took (the mean where no median is kept).
    ///
    /// # Example
    /// ```
    /// use patronage::journey::{DurationDetail, JourneyGraph, JourneyLog};
    ///
    /// let log = JourneyLog::from_events([(1, 0, "ask"), (1, 7_200_000_000, "say \"yes\"")], 10)?;
    /// let dot = JourneyGraph::from_log(&log, DurationDetail::default()).to_dot();
    /// assert!(dot.contains(r#"n1 [label="say \"yes\"\n1"]"#));
    /// assert!(dot.contains(r#"n0 -> n1 [label="1 (2.0 h)"]"#));
    /// # Ok::<(), patronage::journey::JourneyError>(())
    /// ```
    ///
    /// Source: Graphviz, "DOT Language".
    pub fn to_dot(&self) -> String {
        let mut text = String::from("digraph journey {\n  rankdir=LR;\n  node [shape=box];\n");
        for (code, node) in self.nodes().filter(|(_, node)| node.count() > 0) {
            let name = self.activities().name(code);
            let _ = writeln!(text, "  n{code} [label=\"{}\\n{}\"];", in_dot(name), node.count());
        }
        for edge in self.edges() {
            let _ = writeln!(text, "  n{} -> n{} [label=\"{}\"];", edge.from(), edge.to(), label(edge));
        }
        text.push_str("}\n");
        text
    }

    /// The graph as a Mermaid flow chart, which many documentation systems draw.
    ///
    /// # Example
    /// ```
    /// use patronage::journey::{DurationDetail, JourneyGraph, JourneyLog};
    ///
    /// let log = JourneyLog::from_events([(1, 0, "a"), (1, 90_000_000, "b")], 10)?;
    /// let text = JourneyGraph::from_log(&log, DurationDetail::default()).to_mermaid();
    /// assert!(text.ends_with("  n0 -->|\"1 (90.0 s)\"| n1\n"));
    /// # Ok::<(), patronage::journey::JourneyError>(())
    /// ```
    ///
    /// Source: Mermaid, "Flowcharts syntax".
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for (code, node) in self.nodes().filter(|(_, node)| node.count() > 0) {
            let name = self.activities().name(code);
            let _ = writeln!(text, "  n{code}[\"{}<br>{}\"]", in_mermaid(name), node.count());
        }
        for edge in self.edges() {
            let _ = writeln!(text, "  n{} -->|\"{}\"| n{}", edge.from(), label(edge), edge.to());
        }
        text
    }
}

#[derive(Serialize)]
struct NamedNode<'a> {
    activity: &'a str,
    #[serde(flatten)]
    node: &'a Node,
}

#[derive(Serialize)]
struct NamedEdge<'a> {
    from: &'a str,
    to: &'a str,
    count: u64,
    customers: u64,
    dwell: &'a Durations,
}

/// Written with the names of activities and the durations of edges, in the order of codes.
impl Serialize for JourneyGraph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = |code| self.activities().name(code);
        let nodes: Vec<NamedNode<'_>> =
            self.nodes().map(|(code, node)| NamedNode { activity: name(code), node }).collect();
        let edges = self.edges().iter().map(|edge| NamedEdge {
            from: name(edge.from()),
            to: name(edge.to()),
            count: edge.count(),
            customers: edge.customers(),
            dwell: edge.dwell(),
        });
        let mut fields = serializer.serialize_struct("JourneyGraph", 6)?;
        fields.serialize_field("events", &self.events())?;
        fields.serialize_field("journeys", &self.journeys())?;
        fields.serialize_field("customers", &self.customers())?;
        fields.serialize_field("ties", &self.ties())?;
        fields.serialize_field("activities", &nodes)?;
        fields.serialize_field("edges", &edges.collect::<Vec<_>>())?;
        fields.end()
    }
}

fn label(edge: &Edge) -> String {
    let middle = edge.dwell().median().map(|median| median.seconds).or_else(|| edge.dwell().mean_seconds());
    match middle {
        Some(seconds) => format!("{} ({})", edge.count(), readable(seconds)),
        None => edge.count().to_string(),
    }
}

/// Seconds in the unit people would use.
fn readable(seconds: f64) -> String {
    let (number, unit) = match seconds {
        _ if seconds < 120.0 => (seconds, "s"),
        _ if seconds < 7_200.0 => (seconds / 60.0, "min"),
        _ if seconds < 172_800.0 => (seconds / 3_600.0, "h"),
        _ => (seconds / 86_400.0, "d"),
    };
    format!("{number:.1} {unit}")
}

/// A name within a quoted text of DOT.
fn in_dot(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    text
}

/// A name within a quoted text of Mermaid, where `#` begins the number of a character.
fn in_mermaid(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '`' | '\\' | ';' => {
                let _ = write!(text, "#{};", u32::from(c));
            }
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out() {
        assert_eq!(in_dot("a\"];\n\\x\u{1}"), "a\\\"];\\n\\\\x ");
        assert_eq!(in_mermaid("a\"]<b>#\nc"), "a#34;]#60;b#62;#35; c");
    }
}
