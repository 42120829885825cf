//! Receivers that behave as they are told, and an exporter that sends to them.

#![allow(dead_code)] // not every test needs all of it

#[path = "../../src/testing.rs"]
pub(crate) mod testing;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request as HttpRequest, Response as HttpResponse};
use hyper_util::rt::TokioIo;
use model::time::ClockReading;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use otlp::{Config, Destination, Exporter, Protocol, Sampling};
use prost::Message;
use signals::{Collect, Figures, Limits, Place, Point, RequestMetrics, Source};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Request as GrpcRequest, Response as GrpcResponse, Status};

/// How a receiver takes a message.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// An HTTP status, and perhaps a `Retry-After`.
    Http(u16, Option<&'static str>),
    /// A gRPC code, and perhaps the seconds of a `RetryInfo`.
    Grpc(Code, Option<i64>),
    /// All but so many spans.
    Partly(i64),
    /// No answer.
    Hang,
    /// The connection breaks off.
    Reset,
    /// It is taken, and the answer makes no sense.
    Garbage,
}

/// What a receiver has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    script: Mutex<VecDeque<Action>>,
    /// When each message of spans came.
    pub(crate) times: Mutex<Vec<Instant>>,
    /// Spans of messages that were taken.
    pub(crate) spans: Mutex<Vec<Vec<u8>>>,
    pub(crate) points: Mutex<u64>,
    pub(crate) headers: Mutex<Vec<String>>,
}

impl Seen {
    fn next(&self) -> Option<Action> {
        self.times.lock().unwrap().push(Instant::now());
        self.script.lock().unwrap().pop_front()
    }

    fn take(&self, message: &ExportTraceServiceRequest) {
        let spans =
            message.resource_spans.iter().flat_map(|group| &group.scope_spans).flat_map(|scope| &scope.spans);
        self.spans.lock().unwrap().extend(spans.map(|span| span.span_id.clone()));
    }

    /// How the next message is taken.
    pub(crate) fn then(&self, action: Action) {
        self.script.lock().unwrap().push_back(action);
    }

    pub(crate) fn count(&self) -> usize {
        self.spans.lock().unwrap().len()
    }

    pub(crate) fn distinct(&self) -> usize {
        self.spans.lock().unwrap().iter().collect::<HashSet<_>>().len()
    }

    pub(crate) fn attempts(&self) -> usize {
        self.times.lock().unwrap().len()
    }
}

/// A running receiver.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Receiver {
    pub(crate) fn start(protocol: Protocol, script: &[Action]) -> Receiver {
        Receiver::at(protocol, "127.0.0.1:0".parse().unwrap(), script)
    }

    pub(crate) fn at(protocol: Protocol, address: SocketAddr, script: &[Action]) -> Receiver {
        let seen = Arc::new(Seen { script: Mutex::new(script.iter().cloned().collect()), ..Seen::default() });
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = seen.clone();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                match protocol {
                    Protocol::Http => drop(tokio::spawn(serve_http(listener, serving))),
                    Protocol::Grpc => drop(tokio::spawn(serve_grpc(listener, serving))),
                }
                let _ = stopped.await;
            });
            // All connections break off.
            runtime.shutdown_background();
        });
        Receiver { address, seen, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn stop(mut self) -> Arc<Seen> {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
        self.seen
    }
}

async fn serve_http(listener: TcpListener, seen: Arc<Seen>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let seen = seen.clone();
        let service = service_fn(move |request| answer(request, seen.clone()));
        tokio::spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// Answers as the script has it.
pub(crate) async fn answer(
    request: HttpRequest<Incoming>,
    seen: Arc<Seen>,
) -> Result<HttpResponse<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let body = match header("content-encoding").as_deref() {
        None => body.to_vec(),
        Some("gzip") => {
            let mut out = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*body), &mut out)?;
            out
        }
        Some("zstd") => zstd::stream::decode_all(&*body)?,
        Some(other) => panic!("{other}"),
    };
    assert_eq!(header("content-type").as_deref(), Some("application/x-protobuf"));
    let told = format!("{} {:?} {:?}", head.uri, header("content-encoding"), header("x-token"));
    seen.headers.lock().unwrap().push(told);
    let respond = |status: u16, body: Vec<u8>| {
        let builder = HttpResponse::builder().status(status).header("content-type", "application/x-protobuf");
        (builder, Full::new(Bytes::from(body)))
    };
    if head.uri.path() == "/v1/metrics" {
        let message = ExportMetricsServiceRequest::decode(&*body).unwrap();
        *seen.points.lock().unwrap() += points(&message);
        let (builder, body) = respond(200, Vec::new());
        return Ok(builder.body(body).unwrap());
    }
    assert_eq!(head.uri.path(), "/v1/traces");
    let message = ExportTraceServiceRequest::decode(&*body).unwrap();
    let (builder, body) = match seen.next() {
        None => {
            seen.take(&message);
            respond(200, ExportTraceServiceResponse::default().encode_to_vec())
        }
        Some(Action::Partly(rejected)) => respond(200, partly(rejected).encode_to_vec()),
        Some(Action::Garbage) => {
            seen.take(&message);
            respond(200, b"\xff\xff\xff nonsense".to_vec())
        }
        Some(Action::Http(status, retry_after)) => {
            let (mut builder, body) = respond(status, b"not now".to_vec());
            if let Some(after) = retry_after {
                builder = builder.header("retry-after", after);
            }
            (builder, body)
        }
        Some(Action::Hang) => std::future::pending().await,
        Some(Action::Reset | Action::Grpc(..)) => return Err(std::io::Error::other("reset")),
    };
    Ok(builder.body(body).unwrap())
}

fn partly(rejected: i64) -> ExportTraceServiceResponse {
    let partial = ExportTracePartialSuccess { rejected_spans: rejected, error_message: "too old".into() };
    ExportTraceServiceResponse { partial_success: Some(partial) }
}

fn points(message: &ExportMetricsServiceRequest) -> u64 {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    let metrics =
        message.resource_metrics.iter().flat_map(|all| &all.scope_metrics).flat_map(|scope| &scope.metrics);
    let of = |data: &Data| match data {
        Data::Sum(sum) => sum.data_points.len(),
        Data::Gauge(gauge) => gauge.data_points.len(),
        Data::ExponentialHistogram(histogram) => histogram.data_points.len(),
        Data::Histogram(histogram) => histogram.data_points.len(),
        Data::Summary(_) => 0,
    };
    metrics.filter_map(|metric| metric.data.as_ref()).map(|data| of(data) as u64).sum()
}

struct Service(Arc<Seen>);

async fn serve_grpc(listener: TcpListener, seen: Arc<Seen>) {
    let encodings = |service: TraceServiceServer<Service>| {
        service.accept_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Zstd)
    };
    let metrics = MetricsServiceServer::new(Service(seen.clone()))
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd);
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tonic::transport::Server::builder()
        .add_service(encodings(TraceServiceServer::new(Service(seen))))
        .add_service(metrics)
        .serve_with_incoming(incoming)
        .await
        .unwrap();
}

/// `google.rpc.Status` with a `RetryInfo`, by hand: of fewer than 128 bytes each.
fn retry_info(code: Code, seconds: i64) -> Bytes {
    let field = |number: u8, content: &[u8]| [&[number << 3 | 2, content.len() as u8], content].concat();
    let delay = [8, seconds as u8];
    let kind = field(1, b"type.googleapis.com/google.rpc.RetryInfo");
    let any = [kind, field(2, &field(1, &delay))].concat();
    [vec![8, code as u8], field(3, &any)].concat().into()
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: GrpcRequest<ExportTraceServiceRequest>,
    ) -> Result<GrpcResponse<ExportTraceServiceResponse>, Status> {
        let header =
            |name: &str| request.metadata().get(name).map(|value| value.to_str().unwrap().to_owned());
        let told = format!("grpc {:?} {:?}", header("grpc-encoding"), header("x-token"));
        self.0.headers.lock().unwrap().push(told);
        match self.0.next() {
            None => {
                self.0.take(request.get_ref());
                Ok(GrpcResponse::new(ExportTraceServiceResponse::default()))
            }
            Some(Action::Partly(rejected)) => Ok(GrpcResponse::new(partly(rejected))),
            Some(Action::Grpc(code, None)) => Err(Status::new(code, "not now")),
            Some(Action::Grpc(code, Some(seconds))) => {
                Err(Status::with_details(code, "not now", retry_info(code, seconds)))
            }
            Some(Action::Hang) => std::future::pending().await,
            Some(other) => panic!("{other:?}"),
        }
    }
}

#[tonic::async_trait]
impl MetricsService for Service {
    async fn export(
        &self,
        request: GrpcRequest<ExportMetricsServiceRequest>,
    ) -> Result<GrpcResponse<ExportMetricsServiceResponse>, Status> {
        *self.0.points.lock().unwrap() += points(request.get_ref());
        Ok(GrpcResponse::new(ExportMetricsServiceResponse::default()))
    }
}

/// Metrics of one request.
pub(crate) struct State(Mutex<RequestMetrics>);

impl State {
    pub(crate) fn of(metrics: RequestMetrics) -> State {
        State(Mutex::new(metrics))
    }
}

impl Source for State {
    fn look<R>(&self, look: impl FnOnce(&[&dyn Collect]) -> R) -> R {
        look(&[&*self.0.lock().unwrap()])
    }
}

pub(crate) fn clocks() -> ClockReading {
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    ClockReading { monotonic: 1_000_000_000, wall: wall.as_nanos() as u64 }
}

pub(crate) fn destination(url: &str, protocol: Protocol) -> Destination {
    Destination { metrics: false, ..Destination::new(url.parse().unwrap(), protocol) }
}

pub(crate) fn start(destinations: Vec<Destination>) -> Exporter {
    start_with(destinations, Sampling::default())
}

pub(crate) fn start_with(destinations: Vec<Destination>, sampling: Sampling) -> Exporter {
    let mut metrics = RequestMetrics::new(Limits::default());
    metrics.record(&testing::request(), 1);
    let config = Config { destinations, sampling, host: vec![("host.id", "h1".into())], version: "1" };
    Exporter::start(config, Arc::new(State::of(metrics)), clocks, clocks()).unwrap()
}

pub(crate) fn offer(exporter: &Exporter, count: usize) {
    assert!(exporter.offer(vec![testing::request(); count]).is_empty());
}

/// Its figures: `name label label` to the value.
pub(crate) fn figures(exporter: &Exporter) -> BTreeMap<String, u64> {
    let mut figures = Figures::new(signals::agent::METRICS, 0);
    exporter.figures(&mut figures);
    let mut found = BTreeMap::new();
    for (index, metric) in figures.metrics().iter().enumerate() {
        let mut all = Vec::new();
        figures.collect(index, Place::default(), 1000, &mut all);
        for series in all {
            let labels = series.labels.values().iter().map(ToString::to_string);
            let labels: Vec<String> = labels.filter(|label| !label.starts_with("http")).collect();
            let Point::Count(value) = series.point else { panic!("{series:?}") };
            *found.entry(format!("{} {}", metric.name, labels.join(" ")).trim().to_owned()).or_default() +=
                value;
        }
    }
    found
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, patience: Duration, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < patience, "{what}: not within {patience:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Does the same for each of several cases, at once: most of the time is waiting.
pub(crate) fn each<T: Send>(cases: impl IntoIterator<Item = T>, run: impl Fn(T) + Sync) {
    let run = &run;
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || run(case));
        }
    });
}
