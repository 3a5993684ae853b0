//! The paths of the API, and what each takes and gives.
//!
//! Paths are matched by hand: names may hold any character once decoded, and the order in which a
//! request is refused (path, method, types) is part of what clients see.

use crate::path::Segment;
use axum::http::Method;

/// A resource with the names out of its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Root,
    Health,
    Metrics,
    Connectors,
    Connector(String),
    Config(String),
    Status(String),
    Restart(String),
    Pause(String),
    Resume(String),
    Stop(String),
    Tasks(String),
    Fence(String),
    TaskStatus(String, String),
    TaskRestart(String, String),
    Topics(String),
    TopicsReset(String),
    Offsets(String),
    Plugins,
    PluginConfig(String),
    PluginValidate(String),
    Loggers,
    Logger(String),
    Page,
    Figures,
}

impl Resource {
    /// The resource of a path; `None` if there is none.
    pub fn find(segments: &[Segment]) -> Option<Self> {
        ROUTES
            .iter()
            .find(|(path, _)| is_at(path, segments))
            .map(|(path, resource)| resource(&names(path, segments)))
    }

    /// Whether it is below `/admin`.
    pub fn is_admin(&self) -> bool {
        matches!(self, Self::Loggers | Self::Logger(_))
    }

    /// Whether it belongs to the page for people.
    pub fn is_for_page(&self) -> bool {
        matches!(self, Self::Page | Self::Figures)
    }

    /// Whether only workers send this to each other, with a signature.
    pub fn is_internal(&self, method: &Method) -> bool {
        match self {
            Self::Fence(_) => true,
            Self::Tasks(_) => method == Method::POST,
            _ => false,
        }
    }

    /// The methods, in the order in which `Allow` lists them.
    pub fn methods(&self) -> &'static str {
        match self {
            Self::Connectors => "HEAD,POST,GET,OPTIONS",
            Self::Connector(_) => "HEAD,DELETE,GET,OPTIONS",
            Self::Config(_) => "HEAD,GET,OPTIONS,PUT,PATCH",
            Self::Offsets(_) => "HEAD,DELETE,GET,OPTIONS,PATCH",
            Self::Logger(_) => "HEAD,GET,OPTIONS,PUT",
            Self::Tasks(_) => "HEAD,POST,GET,OPTIONS",
            Self::Restart(_) | Self::TaskRestart(..) => "POST,OPTIONS",
            Self::Fence(_)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Stop(_)
            | Self::TopicsReset(_)
            | Self::PluginValidate(_) => "OPTIONS,PUT",
            _ => "HEAD,GET,OPTIONS",
        }
    }

    /// Whether requests say that their bodies are JSON. Those of workers to each other need not.
    pub fn is_json_only(&self, method: &Method) -> bool {
        !matches!(
            self,
            Self::Root | Self::Health | Self::Metrics | Self::Fence(_) | Self::Page
        ) && !self.is_internal(method)
    }

    pub fn reads_body(&self, method: &Method) -> bool {
        match self {
            Self::Connectors => method == Method::POST,
            Self::Config(_) => method == Method::PUT || method == Method::PATCH,
            Self::Offsets(_) => method == Method::PATCH,
            Self::Logger(_) => method == Method::PUT,
            Self::PluginValidate(_) | Self::Fence(_) => true,
            Self::Tasks(_) => self.is_internal(method),
            _ => false,
        }
    }

    pub fn produces(&self) -> &'static str {
        match self {
            Self::Metrics => "text/plain",
            Self::Page => "text/html",
            _ => "application/json",
        }
    }
}

/// Makes a resource of the names in its path.
type MakeResource = fn(&[String]) -> Resource;

/// All paths. `{}` is one segment, decoded, any other must read as it stands here.
const ROUTES: [(&str, MakeResource); 25] = [
    ("/", |_| Resource::Root),
    ("/health", |_| Resource::Health),
    ("/metrics", |_| Resource::Metrics),
    ("/connectors", |_| Resource::Connectors),
    ("/connectors/{}", |of| Resource::Connector(of[0].clone())),
    ("/connectors/{}/config", |of| {
        Resource::Config(of[0].clone())
    }),
    ("/connectors/{}/status", |of| {
        Resource::Status(of[0].clone())
    }),
    ("/connectors/{}/restart", |of| {
        Resource::Restart(of[0].clone())
    }),
    ("/connectors/{}/pause", |of| Resource::Pause(of[0].clone())),
    ("/connectors/{}/resume", |of| {
        Resource::Resume(of[0].clone())
    }),
    ("/connectors/{}/stop", |of| Resource::Stop(of[0].clone())),
    ("/connectors/{}/tasks", |of| Resource::Tasks(of[0].clone())),
    ("/connectors/{}/fence", |of| Resource::Fence(of[0].clone())),
    ("/connectors/{}/tasks/{}/status", |of| {
        Resource::TaskStatus(of[0].clone(), of[1].clone())
    }),
    ("/connectors/{}/tasks/{}/restart", |of| {
        Resource::TaskRestart(of[0].clone(), of[1].clone())
    }),
    ("/connectors/{}/topics", |of| {
        Resource::Topics(of[0].clone())
    }),
    ("/connectors/{}/topics/reset", |of| {
        Resource::TopicsReset(of[0].clone())
    }),
    ("/connectors/{}/offsets", |of| {
        Resource::Offsets(of[0].clone())
    }),
    ("/connector-plugins", |_| Resource::Plugins),
    ("/connector-plugins/{}/config", |of| {
        Resource::PluginConfig(of[0].clone())
    }),
    ("/connector-plugins/{}/config/validate", |of| {
        Resource::PluginValidate(of[0].clone())
    }),
    ("/admin/loggers", |_| Resource::Loggers),
    ("/admin/loggers/{}", |of| Resource::Logger(of[0].clone())),
    ("/ui", |_| Resource::Page),
    ("/ui/figures", |_| Resource::Figures),
];

/// The place of a name in a path.
const NAME: &str = "{}";

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

fn is_at(path: &str, segments: &[Segment]) -> bool {
    let mut wanted = parts(path);
    let matches = segments.iter().all(|segment| {
        wanted
            .next()
            .is_some_and(|part| part == NAME || part == segment.raw)
    });
    matches && wanted.next().is_none()
}

fn names(path: &str, segments: &[Segment]) -> Vec<String> {
    parts(path)
        .zip(segments)
        .filter(|(part, _)| *part == NAME)
        .map(|(_, segment)| segment.decoded.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::segments;
    use std::collections::BTreeSet;

    const DESCRIPTION: &str = include_str!("../../../docs/openapi.yaml");

    /// Paths with their methods, `get /connectors/{}`, out of the lines below `paths:`.
    fn described() -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut path = String::new();
        let lines = DESCRIPTION.lines().skip_while(|line| *line != "paths:");
        for line in lines.skip(1).take_while(|line| line.starts_with(' ')) {
            let indent = line.len() - line.trim_start().len();
            let key = line.trim().trim_end_matches(':');
            if indent == 2 {
                path = parts(key)
                    .map(|part| if part.starts_with('{') { NAME } else { part })
                    .fold(String::new(), |path, part| format!("{path}/{part}"));
            } else if indent == 4 && key != "parameters" && line.ends_with(':') {
                found.insert(format!("{key} {path}"));
            }
        }
        found
    }

    /// The same out of the table. What workers send each other is not public, HEAD and OPTIONS are there
    /// for every path.
    fn routed() -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (path, resource) in ROUTES {
            let resource = resource(&["x".to_string(), "0".to_string()]);
            for method in resource.methods().split(',') {
                let parsed = Method::from_bytes(method.as_bytes()).expect("a method");
                let is_everywhere = parsed == Method::HEAD || parsed == Method::OPTIONS;
                if !is_everywhere && !resource.is_internal(&parsed) {
                    let path = path.trim_end_matches('/');
                    found.insert(format!("{} {path}", method.to_lowercase()));
                }
            }
        }
        found
    }

    #[test]
    fn the_description_has_every_public_request_and_no_other() {
        assert_eq!(described(), routed());
        assert!(routed().len() > 30, "{:?}", routed());
    }

    #[test]
    fn paths_lead_to_resources_with_their_names() {
        let find = |path: &str| Resource::find(&segments(path).expect("a path"));
        assert_eq!(find("/"), Some(Resource::Root));
        assert_eq!(
            find("/connectors/a%2Fb/tasks/7/restart/"),
            Some(Resource::TaskRestart("a/b".to_string(), "7".to_string()))
        );
        // Only names are decoded.
        assert_eq!(find("/connectors/x/%63onfig"), None);
        assert_eq!(find("/connectors/{}/else"), None);
        assert_eq!(find("/connectors/x/config/y"), None);
        assert_eq!(find("/admin"), None);
    }
}
