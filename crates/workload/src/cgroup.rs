//! What a cgroup's path tells: the container, or the systemd unit.

use model::Text;

/// A container, as its cgroup's path tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its id: 64 hexadecimal digits; the name for a container that holds a whole system (LXC, nspawn).
    pub id: Text,
    /// The uid of its Kubernetes pod.
    pub pod: Option<Text>,
    /// It runs a whole system with its own units, which then say more than the container's name.
    pub system: bool,
}

impl Container {
    /// What people type: the id's first 12 digits, or the whole name.
    pub fn short_id(&self) -> &str {
        if self.system { &self.id } else { self.id.get(..12).unwrap_or(&self.id) }
    }
}

/// The container that a process with these cgroups runs in.
///
/// Runtimes differ in the path's shape (`/docker/ID`, `docker-ID.scope`, `/kubepods/burstable/podUID/ID`,
/// `...slice:cri-containerd:ID`, `crio-ID.scope`, `libpod-ID.scope`), but all end a part of it with the
/// 64 digits. The deepest counts: a cluster may run inside a container.
pub(crate) fn container(paths: &[Text]) -> Option<Container> {
    let application = paths.iter().find_map(|path| {
        let id = path.rsplit('/').find_map(container_id)?;
        Some(Container { id: id.into(), pod: pod(path), system: false })
    });
    application.or_else(|| {
        let name = paths.iter().find_map(|path| system_container(path))?;
        Some(Container { id: name.into(), pod: None, system: true })
    })
}

/// The service unit that a process with these cgroups belongs to, without `.service`.
///
/// An instance keeps its name (`postgresql@15-main`): two clusters are two services. The deepest unit
/// counts, so a user's own units are found below `user@1000.service`, which is none itself. Scopes
/// (sessions, desktop applications, `init.scope`) and transient units are not services.
pub(crate) fn unit(paths: &[Text]) -> Option<&str> {
    paths.iter().find_map(|path| path.rsplit('/').find_map(service_unit))
}

fn container_id(part: &str) -> Option<&str> {
    let part = part.strip_suffix(".scope").unwrap_or(part);
    // The monitor beside a container has its id too, but is not in it.
    if part.contains("conmon") {
        return None;
    }
    let id = part.rsplit([':', '-']).next()?;
    (id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

/// `.../pod0f4a...-...`, or with underscores and `.slice` behind it under the systemd driver.
fn pod(path: &str) -> Option<Text> {
    path.rsplit(['/', ':']).find_map(|part| {
        let part = part.strip_suffix(".slice").unwrap_or(part);
        let uid =
            if part.starts_with("kubepods") { part.split("-pod").nth(1)? } else { part.strip_prefix("pod")? };
        let plain = uid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-' || byte == b'_');
        (plain && uid.len() >= 32).then(|| uid.replace('_', "-").into())
    })
}

fn system_container(path: &str) -> Option<String> {
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        if let Some(name) = part.strip_prefix("lxc.payload.") {
            return Some(name.to_owned());
        }
        if part == "lxc" || part == "lxc.payload" {
            return parts.peek().filter(|name| !name.is_empty()).map(|name| (*name).to_owned());
        }
        let machine = part.strip_prefix("machine-").and_then(|name| name.strip_suffix(".scope"));
        let nspawn = part.strip_prefix("systemd-nspawn@").and_then(|name| name.strip_suffix(".service"));
        // Virtual machines have such scopes too; what runs there is the emulator.
        if let Some(name) = machine.or(nspawn).filter(|name| !name.starts_with("qemu")) {
            return Some(unescape(name));
        }
    }
    None
}

/// systemd writes `-` within a name as `\x2d`.
fn unescape(name: &str) -> String {
    name.replace("\\x2d", "-")
}

fn service_unit(part: &str) -> Option<&str> {
    let name = part.strip_suffix(".service")?;
    let transient =
        ["run-u", "run-r", "run-p"].iter().find_map(|prefix| name.strip_prefix(prefix)).is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_ascii_hexdigit()) && rest.bytes().all(hex_or_instance)
        });
    let none =
        name.is_empty() || name.starts_with("user@") || name.starts_with("systemd-nspawn@") || transient;
    (!none).then_some(name)
}

fn hex_or_instance(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b'-' || byte == b'i'
}
