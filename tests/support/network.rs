//! Two network namespaces joined by a wire, for tests that capture live: nothing of it touches the machine's own network, and
//! nothing of it remains.

use crate::support::{Guarded, PATIENCE, Ran, is_root, skip, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

/// The server's address and port.
pub const SERVER: &str = "10.78.0.2:7000";
/// Bytes that a client asks with.
pub const QUESTION: usize = 10_000;
/// Bytes that the server answers with.
pub const ANSWER: usize = 30_000;

/// Two namespaces; in each the interface `wire0` leads to the other.
pub struct Network {
    /// The namespace of 10.78.0.1.
    pub client: String,
    /// The namespace of 10.78.0.2.
    pub server: String,
}

impl Network {
    /// Makes one, or says on standard error why that is not possible here.
    pub fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = format!(
            "{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let network = Self {
            client: format!("tmtc-{id}"),
            server: format!("tmts-{id}"),
        };
        match network.up() {
            Ok(()) => Some(network),
            Err(why) => {
                skip(&why);
                None
            }
        }
    }

    fn up(&self) -> Result<(), String> {
        if !is_root() {
            return Err("it needs root to make network namespaces".to_owned());
        }
        let (client, server) = (&self.client, &self.server);
        ip(&format!("netns add {client}"))?;
        ip(&format!("netns add {server}"))?;
        ip(&format!(
            "link add wire0 netns {client} type veth peer name wire0 netns {server}"
        ))?;
        for (namespace, host) in [(client, 1), (server, 2)] {
            // Without IPv6 nothing is sent that nobody asked for.
            inside(namespace, || {
                fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1")
            })
            .ok();
            ip(&format!(
                "-n {namespace} addr add 10.78.0.{host}/24 dev wire0"
            ))?;
            ip(&format!("-n {namespace} link set lo up"))?;
            ip(&format!("-n {namespace} link set wire0 up"))?;
        }
        Ok(())
    }

    /// One connection with a question and an answer, closed by the client; over when both ends have closed.
    pub fn exchange(&self) {
        let listener = inside(&self.server, || TcpListener::bind(SERVER)).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; QUESTION]).unwrap();
            stream.write_all(&[1; ANSWER]).unwrap();
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        });
        let mut stream = inside(&self.client, || TcpStream::connect(SERVER)).unwrap();
        stream.write_all(&[2; QUESTION]).unwrap();
        stream.read_exact(&mut [0; ANSWER]).unwrap();
        drop(stream);
        server.join().unwrap();
    }

    /// Starts tcp-monitor in the client's namespace; returns when it captures.
    pub fn monitor(&self, arguments: &str) -> Monitor {
        Monitor::start(&self.client, arguments)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in [&self.client, &self.server] {
            let _ = ip(&format!("netns del {namespace}"));
        }
    }
}

/// Runs `ip`.
pub fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.map_err(|error| format!("ip (of iproute2) cannot be run: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!(
            "ip {arguments}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    }
}

/// Does something on a thread that lives in a namespace. Sockets made there stay there.
pub fn inside<T: Send + 'static>(namespace: &str, job: impl FnOnce() -> T + Send + 'static) -> T {
    let path = format!("/run/netns/{namespace}");
    thread::spawn(move || {
        let file = File::open(path).unwrap();
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        job()
    })
    .join()
    .unwrap()
}

/// A tcp-monitor that captures. It does not outlive the value.
pub struct Monitor {
    child: Guarded,
    lines: Receiver<String>,
    errors: Option<thread::JoinHandle<String>>,
    /// When it was seen to capture.
    pub began: Instant,
}

impl Monitor {
    fn start(namespace: &str, arguments: &str) -> Self {
        let before = packet_sockets(namespace);
        let mut child = Command::new("ip")
            .args([
                "netns",
                "exec",
                namespace,
                env!("CARGO_BIN_EXE_tcp-monitor"),
            ])
            .args(arguments.split_whitespace())
            .env_remove("NO_COLOR")
            .env_remove("COLUMNS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut stderr = child.stderr.take().unwrap();
        let errors = thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let mut monitor = Self {
            child: Guarded(child),
            lines,
            errors: Some(errors),
            began: Instant::now(),
        };
        wait_for("the capture to begin", || {
            let is_over = monitor.child.0.try_wait().unwrap().is_some();
            assert!(
                !is_over,
                "tcp-monitor {arguments} ended before it captured: {:?}",
                monitor.end()
            );
            (packet_sockets(namespace) > before).then_some(())
        });
        monitor.began = Instant::now();
        monitor
    }

    /// The next line of standard output.
    pub fn line(&self) -> String {
        self.lines
            .recv_timeout(PATIENCE)
            .expect("a line of standard output")
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.0.try_wait().unwrap().is_none()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child.0), signal).unwrap();
    }

    /// Waits until it ends by itself. What was taken by [`Monitor::line`] is not in the output again.
    pub fn end(&mut self) -> Ran {
        let status = wait_for("tcp-monitor to end", || self.child.0.try_wait().unwrap());
        let stdout: Vec<_> = self.lines.iter().collect();
        Ran {
            code: status.code(),
            stdout: stdout.join("\n"),
            stderr: self
                .errors
                .take()
                .map_or(String::new(), |errors| errors.join().unwrap()),
        }
    }
}

/// How many packet sockets of a namespace are bound and running: a capture makes one.
fn packet_sockets(namespace: &str) -> usize {
    let list = inside(namespace, || {
        fs::read_to_string("/proc/thread-self/net/packet")
    })
    .unwrap();
    let running = |line: &&str| line.split_whitespace().nth(5) == Some("1");
    list.lines().skip(1).filter(running).count()
}
