//! Compiles the kernel programs and generates their skeletons and the types they share with user space.

use std::path::{Path, PathBuf};
use std::{env, fs};

use libbpf_cargo::SkeletonBuilder;

/// The objects: name of the skeleton, source below `bpf/`.
const OBJECTS: &[(&str, &str)] = &[
    ("layout", "events/layout.bpf.c"),
    ("socket", "socket/socket.bpf.c"),
    ("kprobe", "socket/kprobe.bpf.c"),
    ("syscalls", "socket/syscalls.bpf.c"),
    ("udp", "udp/udp.bpf.c"),
    ("udp_kprobe", "udp/kprobe.bpf.c"),
    ("udp_syscalls", "udp/syscalls.bpf.c"),
    ("process", "process/process.bpf.c"),
];

fn main() {
    let bpf = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../bpf");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let arch = match env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets it").as_str() {
        "x86_64" => "x86",
        "aarch64" => "arm64",
        other => panic!("no kernel programs for {other} yet"),
    };
    for (name, source) in OBJECTS {
        SkeletonBuilder::new()
            .source(bpf.join(source))
            .clang_args([
                format!("-D__TARGET_ARCH_{arch}"),
                "-mcpu=v3".into(),
                "-Wall".into(),
                "-Werror".into(),
            ])
            .obj(out.join(format!("{name}.bpf.o")))
            .build_and_generate(out.join(format!("{name}.skel.rs")))
            .unwrap_or_else(|error| panic!("{source}: {error:#} (is clang installed? `make setup` does it)"));
    }
    watch(&bpf);
}

/// A header may be used by any object, so every file below `bpf/` counts.
fn watch(folder: &Path) {
    println!("cargo:rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            watch(&entry.path());
        } else {
            println!("cargo:rerun-if-changed={}", entry.path().display());
        }
    }
}
