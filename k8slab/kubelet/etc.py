"""The files that a kubelet puts into every container: /etc/hosts, /etc/hostname, /etc/resolv.conf.

Follows kubelet_pods.go (managedHostsFileContent) and pkg/kubelet/network/dns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8slab.api import core_v1 as core

DOMAIN, DNS = "cluster.local", "10.96.0.10"
NODE_SERVER = "192.168.0.1"
MAX_SERVERS = 3
HOSTS = """# Kubernetes-managed hosts file{host}.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""


def etc_files(pod: core.Pod, ip: str) -> dict[str, str]:
    """The files by path; `ip` is the Pod's address."""
    return {
        "/etc/hosts": hosts(pod, ip),
        "/etc/hostname": host_name(pod) + "\n",
        "/etc/resolv.conf": resolv_conf(pod),
    }


def host_name(pod: core.Pod) -> str:
    """What the Pod calls itself."""
    return (pod.spec.hostname or pod.metadata.name)[:63].rstrip("-.")


def hosts(pod: core.Pod, ip: str) -> str:
    """/etc/hosts: the Pod itself, and what hostAliases add."""
    spec, name = pod.spec, host_name(pod)
    text = HOSTS.format(host=" (host network)" if spec.hostNetwork else "")
    if not spec.hostNetwork and ip:
        full = f"{name}.{spec.subdomain}.{pod.metadata.namespace}.svc.{DOMAIN}\t" if spec.subdomain else ""
        text += f"{ip}\t{full}{name}\n"
    if spec.hostAliases:
        text += "\n# Entries added by HostAliases.\n"
        text += "".join("\t".join((each.ip, *(each.hostnames or ()))) + "\n" for each in spec.hostAliases)
    return text


def resolv_conf(pod: core.Pod) -> str:
    """/etc/resolv.conf as dnsPolicy and dnsConfig make it."""
    spec, config = pod.spec, pod.spec.dnsConfig
    policy = spec.dnsPolicy or "ClusterFirst"
    inside = policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not spec.hostNetwork)
    servers, search, options = [], [], {}
    if inside:
        servers = [DNS]
        search = [f"{pod.metadata.namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN]
        options = {"ndots": "5"}
    elif policy != "None":
        servers = [NODE_SERVER]
    if config is not None:
        servers = list(dict.fromkeys((*servers, *(config.nameservers or ()))))[:MAX_SERVERS]
        search = list(dict.fromkeys((*search, *(config.searches or ()))))
        options |= {each.name: each.value or "" for each in config.options or ()}
    lines = [f"search {' '.join(search)}"] if search else []
    lines += [f"nameserver {server}" for server in servers]
    if options:
        lines.append("options " + " ".join(f"{name}:{value}" if value else name for name, value in options.items()))
    return "\n".join(lines) + "\n"


def aliased(pod: core.Pod, host: str) -> str:
    """The address that hostAliases give a name, or the name."""
    for each in pod.spec.hostAliases or ():
        if host in (each.hostnames or ()):
            return each.ip
    return host
