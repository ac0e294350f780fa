"""What web servers answer from the files in their root directory."""

SITE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: site}
data: {index.html: "<h1>mine</h1>", about.html: "about"}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  volumes: [{name: html, configMap: {name: site}}]
  containers:
  - {name: web, image: nginx, volumeMounts: [{name: html, mountPath: /usr/share/nginx/html}]}
"""
SHARED = """
apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  volumes: [{name: html, emptyDir: {}}]
  containers:
  - {name: web, image: nginx, volumeMounts: [{name: html, mountPath: /usr/share/nginx/html}]}
  - name: writer
    image: busybox
    volumeMounts: [{name: html, mountPath: /out}]
    command: [sh, -c, "sleep 20; mkdir -p /out/sub; echo one > /out/index.html; sleep 20; rm /out/index.html; sleep 99"]
"""
PLAIN = "apiVersion: v1\nkind: Pod\nmetadata: {name: plain}\nspec: {containers: [{name: web, image: nginx}]}\n"


def get(bench, pod: str, path: str) -> tuple[int, str]:
    return bench.kubelet.find("default", pod).answer(80, path)


def test_the_pages_of_the_image(bench) -> None:
    bench.apply(PLAIN)
    bench.run(15)
    status, body = get(bench, "plain", "/")
    assert (status, "Welcome to nginx!" in body) == (200, True)
    assert get(bench, "plain", "/index.html?x=1") == (200, body)
    assert get(bench, "plain", "/nothing") == (404, "")
    assert get(bench, "plain", "/../../etc/nginx/nginx.conf") == (404, "")


def test_a_config_map_is_the_site(bench) -> None:
    bench.apply(SITE)
    bench.run(15)
    assert get(bench, "web", "/") == (200, "<h1>mine</h1>")
    assert get(bench, "web", "/about.html") == (200, "about")
    # The volume hides what the image has there.
    assert get(bench, "web", "/50x.html") == (404, "")


def test_another_container_writes_the_site(bench) -> None:
    bench.apply(SHARED)
    bench.run(15)
    assert get(bench, "two", "/") == (403, "")
    bench.run(20)
    assert get(bench, "two", "/") == (200, "one\n")
    assert get(bench, "two", "/sub/") == (403, "")
    bench.run(20)
    assert get(bench, "two", "/") == (403, "")
