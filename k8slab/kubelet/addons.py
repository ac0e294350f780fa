"""What kubeadm puts on a cluster: the control plane's static Pods, CoreDNS and kube-proxy.

The manifests say what kubeadm's say, without the volumes for certificates, which a lab has no use for.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8slab.api import codec

VERSION = "v1.36.2"
ETCD_VERSION = "3.6.6-0"
COREDNS_VERSION = "v1.13.1"
POD_CIDR = "10.244.0.0/16"
SERVICE_CIDR = "10.96.0.0/12"
DNS_ADDRESS = "10.96.0.10"
ADDRESS = "192.168.0.10"

_STATIC_POD = """apiVersion: v1
kind: Pod
metadata:
  name: {name}
  namespace: kube-system
  labels:
    component: {name}
    tier: control-plane
spec:
  containers:
  - name: {name}
    image: {image}
    imagePullPolicy: IfNotPresent
    command:
    - {name}
{flags}
{probes}
    resources:
      requests:
        cpu: {cpu}
{memory}  hostNetwork: true
  priority: 2000001000
  priorityClassName: system-node-critical
  securityContext:
    seccompProfile:
      type: RuntimeDefault
"""


def control_plane_manifests(components: Sequence[str] | None = None, address: str = ADDRESS) -> dict[str, str]:
    """`/etc/kubernetes/manifests` of a control plane node: file name to YAML.

    Args:
        components: which of kube-apiserver, kube-controller-manager, kube-scheduler (default: all), and
            cloud-controller-manager run; etcd always.
        address: the machine's.
    """
    manifests = {
        "etcd.yaml": _etcd(address),
        "kube-apiserver.yaml": _apiserver(address),
        "kube-controller-manager.yaml": _controller_manager("cloud-controller-manager" in (components or ())),
        "kube-scheduler.yaml": _scheduler(),
        "cloud-controller-manager.yaml": _cloud_manager(),
    }
    wanted = {"etcd", "kube-apiserver"}
    wanted |= set(components) if components is not None else {"kube-controller-manager", "kube-scheduler"}
    return {name: text for name, text in manifests.items() if name.removesuffix(".yaml") in wanted}


def _manifest(
    name: str, image: str, flags: Sequence[str], port: int, paths: Sequence[str], cpu: str, memory: str = ""
) -> str:
    startup, liveness, *readiness = paths
    scheme = "HTTP" if name == "etcd" else "HTTPS"
    probes = [_probe("livenessProbe", liveness, port, scheme, 8, 10, 15)]
    probes += [_probe("readinessProbe", path, port, scheme, 3, 1, 15) for path in readiness]
    probes.append(_probe("startupProbe", startup, port, scheme, 24, 10, 15))
    return _STATIC_POD.format(
        name=name,
        image=image,
        flags="\n".join(f"    - --{flag}" for flag in flags),
        probes="\n".join(probes),
        cpu=cpu,
        memory=f"        memory: {memory}\n" if memory else "",
    )


def _probe(kind: str, path: str, port: int, scheme: str, failures: int, period: int, timeout: int) -> str:
    delay = "" if kind == "readinessProbe" else "\n      initialDelaySeconds: 10"
    return (
        f"    {kind}:\n      failureThreshold: {failures}\n      httpGet:\n        path: {path}\n        port: {port}\n"
        f"        scheme: {scheme}{delay}\n      periodSeconds: {period}\n      timeoutSeconds: {timeout}"
    )


def _etcd(address: str) -> str:
    flags = (
        f"advertise-client-urls=https://{address}:2379",
        "cert-file=/etc/kubernetes/pki/etcd/server.crt",
        "client-cert-auth=true",
        "data-dir=/var/lib/etcd",
        f"listen-client-urls=https://127.0.0.1:2379,https://{address}:2379",
        "listen-metrics-urls=http://127.0.0.1:2381",
        f"listen-peer-urls=https://{address}:2380",
        "snapshot-count=10000",
    )
    paths = ("/readyz", "/livez", "/readyz")
    return _manifest("etcd", f"registry.k8s.io/etcd:{ETCD_VERSION}", flags, 2381, paths, "100m", "100Mi")


def _apiserver(address: str) -> str:
    flags = (
        f"advertise-address={address}",
        "allow-privileged=true",
        "authorization-mode=Node,RBAC",
        "client-ca-file=/etc/kubernetes/pki/ca.crt",
        "enable-admission-plugins=NodeRestriction",
        "enable-bootstrap-token-auth=true",
        "etcd-servers=https://127.0.0.1:2379",
        "secure-port=6443",
        f"service-cluster-ip-range={SERVICE_CIDR}",
        "tls-cert-file=/etc/kubernetes/pki/apiserver.crt",
    )
    image = f"registry.k8s.io/kube-apiserver:{VERSION}"
    return _manifest("kube-apiserver", image, flags, 6443, ("/livez", "/livez", "/readyz"), "250m")


def _controller_manager(cloud: bool = False) -> str:
    flags = (
        "allocate-node-cidrs=true",
        "bind-address=127.0.0.1",
        *(("cloud-provider=external",) if cloud else ()),
        f"cluster-cidr={POD_CIDR}",
        "cluster-name=kubernetes",
        "controllers=*,bootstrapsigner,tokencleaner",
        "kubeconfig=/etc/kubernetes/controller-manager.conf",
        "leader-elect=true",
        f"service-cluster-ip-range={SERVICE_CIDR}",
        "use-service-account-credentials=true",
    )
    image = f"registry.k8s.io/kube-controller-manager:{VERSION}"
    return _manifest("kube-controller-manager", image, flags, 10257, ("/healthz", "/healthz"), "200m")


def _cloud_manager() -> str:
    flags = (
        "allocate-node-cidrs=true",
        "cloud-provider=lab",
        f"cluster-cidr={POD_CIDR}",
        "configure-cloud-routes=true",
        "kubeconfig=/etc/kubernetes/cloud-controller-manager.conf",
        "leader-elect=true",
    )
    image = f"registry.k8s.io/cloud-controller-manager:{VERSION}"
    return _manifest("cloud-controller-manager", image, flags, 10258, ("/healthz", "/healthz"), "100m")


def _scheduler() -> str:
    flags = ("bind-address=127.0.0.1", "kubeconfig=/etc/kubernetes/scheduler.conf", "leader-elect=true")
    image = f"registry.k8s.io/kube-scheduler:{VERSION}"
    return _manifest("kube-scheduler", image, flags, 10259, ("/livez", "/livez", "/readyz"), "100m")


_COREDNS = """apiVersion: v1
kind: ServiceAccount
metadata: {{name: coredns, namespace: kube-system}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: coredns, namespace: kube-system}}
data:
  Corefile: |
    .:53 {{
        errors
        health {{
           lameduck 5s
        }}
        ready
        kubernetes cluster.local in-addr.arpa ip6.arpa {{
           pods insecure
           fallthrough in-addr.arpa ip6.arpa
           ttl 30
        }}
        prometheus :9153
        forward . /etc/resolv.conf {{
           max_concurrent 1000
        }}
        cache 30
        loop
        reload
        loadbalance
    }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: coredns
  namespace: kube-system
  labels: {{k8s-app: kube-dns}}
spec:
  replicas: 2
  strategy:
    type: RollingUpdate
    rollingUpdate: {{maxUnavailable: 1}}
  selector:
    matchLabels: {{k8s-app: kube-dns}}
  template:
    metadata:
      labels: {{k8s-app: kube-dns}}
    spec:
      priorityClassName: system-cluster-critical
      serviceAccountName: coredns
      dnsPolicy: Default
      nodeSelector: {{kubernetes.io/os: linux}}
      tolerations:
      - {{key: CriticalAddonsOnly, operator: Exists}}
      - {{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}}
      containers:
      - name: coredns
        image: registry.k8s.io/coredns/coredns:{coredns}
        imagePullPolicy: IfNotPresent
        args: ["-conf", "/etc/coredns/Corefile"]
        resources:
          limits: {{memory: 170Mi}}
          requests: {{cpu: 100m, memory: 70Mi}}
        ports:
        - {{containerPort: 53, name: dns, protocol: UDP}}
        - {{containerPort: 53, name: dns-tcp, protocol: TCP}}
        - {{containerPort: 9153, name: metrics, protocol: TCP}}
        livenessProbe:
          httpGet: {{path: /health, port: 8080, scheme: HTTP}}
          initialDelaySeconds: 60
          timeoutSeconds: 5
          failureThreshold: 5
        readinessProbe:
          httpGet: {{path: /ready, port: 8181, scheme: HTTP}}
        volumeMounts:
        - {{name: config-volume, mountPath: /etc/coredns, readOnly: true}}
      volumes:
      - name: config-volume
        configMap:
          name: coredns
          items:
          - {{key: Corefile, path: Corefile}}
---
apiVersion: v1
kind: Service
metadata:
  name: kube-dns
  namespace: kube-system
  labels: {{k8s-app: kube-dns, kubernetes.io/cluster-service: "true", kubernetes.io/name: CoreDNS}}
spec:
  clusterIP: {dns}
  selector: {{k8s-app: kube-dns}}
  ports:
  - {{name: dns, port: 53, protocol: UDP, targetPort: 53}}
  - {{name: dns-tcp, port: 53, protocol: TCP, targetPort: 53}}
  - {{name: metrics, port: 9153, protocol: TCP, targetPort: 9153}}
"""

_PROXY = """apiVersion: v1
kind: ServiceAccount
metadata: {{name: kube-proxy, namespace: kube-system}}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: kube-proxy
  namespace: kube-system
  labels: {{app: kube-proxy}}
data:
  config.conf: |
    apiVersion: kubeproxy.config.k8s.io/v1alpha1
    kind: KubeProxyConfiguration
    clusterCIDR: {pods}
    mode: ""
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: kube-proxy
  namespace: kube-system
  labels: {{k8s-app: kube-proxy}}
spec:
  selector:
    matchLabels: {{k8s-app: kube-proxy}}
  updateStrategy: {{type: RollingUpdate}}
  template:
    metadata:
      labels: {{k8s-app: kube-proxy}}
    spec:
      priorityClassName: system-node-critical
      serviceAccountName: kube-proxy
      hostNetwork: true
      nodeSelector: {{kubernetes.io/os: linux}}
      tolerations:
      - {{operator: Exists}}
      containers:
      - name: kube-proxy
        image: registry.k8s.io/kube-proxy:{version}
        imagePullPolicy: IfNotPresent
        command:
        - /usr/local/bin/kube-proxy
        - --config=/var/lib/kube-proxy/config.conf
        - --hostname-override=$(NODE_NAME)
        env:
        - name: NODE_NAME
          valueFrom: {{fieldRef: {{fieldPath: spec.nodeName}}}}
        volumeMounts:
        - {{name: kube-proxy, mountPath: /var/lib/kube-proxy}}
      volumes:
      - name: kube-proxy
        configMap: {{name: kube-proxy}}
"""


def coredns_manifest() -> str:
    """CoreDNS as kubeadm installs it, as YAML documents: account, configuration, Deployment, Service kube-dns."""
    return _COREDNS.format(coredns=COREDNS_VERSION, dns=DNS_ADDRESS)


def kube_proxy_manifest() -> str:
    """kube-proxy as kubeadm installs it: account, configuration, DaemonSet."""
    return _PROXY.format(pods=POD_CIDR, version=VERSION)


def addon_objects(names: Sequence[str] = ("coredns", "kube-proxy")) -> list[object]:
    """The addons' objects, in the order in which to create them."""
    texts = {"coredns": coredns_manifest, "kube-proxy": kube_proxy_manifest}
    return [obj for name in names for obj in codec.decode_yaml(texts[name]())]
