//! What a container's runtime calls it.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use model::Text;
use serde::Deserialize;

use crate::Container;

/// Knows containers by more than their id.
pub trait ContainerNames: Send {
    /// The service that the container is, where known. Asked once per process, so it may read a file.
    fn name(&self, container: &Container) -> Option<Text>;
}

/// Knows none: every container goes by its short id.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNames;

impl ContainerNames for NoNames {
    fn name(&self, _: &Container) -> Option<Text> {
        None
    }
}

/// Docker's own files: the compose service, else the container's name.
#[derive(Debug, Clone)]
pub struct Docker {
    root: PathBuf,
}

impl Docker {
    /// Reads below `root`, which is `/var/lib/docker` unless Docker was told otherwise.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Docker { root: root.into() }
    }
}

impl ContainerNames for Docker {
    fn name(&self, container: &Container) -> Option<Text> {
        // A system container's id is a name that its owner chose, and no part of our paths.
        if container.system {
            return None;
        }
        let path = self.root.join("containers").join(container.id.as_str()).join("config.v2.json");
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(4 << 20).read_to_end(&mut bytes).ok()?;
        let stored: Stored = serde_json::from_slice(&bytes).ok()?;
        let labels = stored.config.and_then(|config| config.labels).unwrap_or_default();
        let label = labels.service.or(labels.container);
        let name = label.unwrap_or_else(|| stored.name.trim_start_matches('/').into());
        (!name.is_empty()).then_some(name)
    }
}

#[derive(Deserialize)]
struct Stored {
    #[serde(rename = "Name", default)]
    name: Text,
    #[serde(rename = "Config")]
    config: Option<StoredConfig>,
}

#[derive(Deserialize)]
struct StoredConfig {
    #[serde(rename = "Labels")]
    labels: Option<Labels>,
}

#[derive(Deserialize, Default)]
struct Labels {
    #[serde(rename = "com.docker.compose.service")]
    service: Option<Text>,
    #[serde(rename = "io.kubernetes.container.name")]
    container: Option<Text>,
}
