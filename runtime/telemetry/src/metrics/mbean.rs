//! Metrics as JMX has them: beans with attributes.

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// A number that may go up and down.
    Gauge(f64),
    /// A number that only grows.
    Counter(f64),
    /// A text.
    Text(String),
}

/// A group of metrics, for example `kafka.connect:type=source-task-metrics,connector=c,task=0`.
#[derive(Clone, Debug, PartialEq)]
pub struct MBean {
    /// The domain: `kafka.connect`, `kafka.consumer`, ...
    pub domain: &'static str,
    /// The type: `source-task-metrics`, ...
    pub bean_type: &'static str,
    /// The other tags, in order: `connector`, `task`, `client-id`, ... Their values come from a bounded
    /// set: names of connectors, tasks and clients, never anything out of records.
    pub tags: Vec<(&'static str, String)>,
    /// The attributes by name.
    pub attributes: Vec<(&'static str, AttributeValue)>,
}

impl MBean {
    /// A bean of the domain `kafka.connect` without attributes.
    pub fn connect(bean_type: &'static str, tags: Vec<(&'static str, String)>) -> Self {
        Self {
            domain: "kafka.connect",
            bean_type,
            tags,
            attributes: Vec::new(),
        }
    }

    /// Adds a gauge.
    pub fn gauge(&mut self, name: &'static str, value: f64) {
        self.attributes.push((name, AttributeValue::Gauge(value)));
    }

    /// Adds a counter.
    pub fn counter(&mut self, name: &'static str, value: u64) {
        self.attributes
            .push((name, AttributeValue::Counter(value as f64)));
    }

    /// Adds a text.
    pub fn text(&mut self, name: &'static str, value: impl Into<String>) {
        self.attributes
            .push((name, AttributeValue::Text(value.into())));
    }

    /// The value of a tag.
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags
            .iter()
            .find(|(tag, _)| *tag == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        self.attributes
            .iter()
            .find(|(attribute, _)| *attribute == name)
            .map(|(_, value)| value)
    }

    /// The whole name, as JMX shows it: tag values with other characters than letters, digits and
    /// `_-%.` and blanks are quoted.
    pub fn object_name(&self) -> String {
        let mut name = format!("{}:type={}", self.domain, self.bean_type);
        for (tag, value) in &self.tags {
            let plain = value
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-%. \t".contains(c));
            name.push_str(&format!(",{tag}="));
            if plain {
                name.push_str(value);
                continue;
            }
            name.push('"');
            for c in value.chars() {
                match c {
                    '\n' => name.push_str("\\n"),
                    '"' | '\\' | '*' | '?' => {
                        name.push('\\');
                        name.push(c);
                    }
                    c => name.push(c),
                }
            }
            name.push('"');
        }
        name
    }
}

/// Metrics that something outside of this crate keeps, for example those of the Kafka clients.
pub trait MBeanSource: Send + Sync {
    /// The present values. It must not block.
    fn mbeans(&self) -> Vec<MBean>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_tag_values_are_quoted() {
        let bean = |value: &str| {
            MBean::connect("connector-metrics", vec![("connector", value.to_string())])
                .object_name()
        };
        assert_eq!(
            bean("a-b.c d"),
            "kafka.connect:type=connector-metrics,connector=a-b.c d"
        );
        assert_eq!(
            bean("a*\"b"),
            "kafka.connect:type=connector-metrics,connector=\"a\\*\\\"b\""
        );
    }
}
