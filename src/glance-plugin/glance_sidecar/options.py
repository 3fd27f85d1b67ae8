"""Settings: group [staging_sidecar] of glance-api.conf."""

from oslo_config import cfg

GROUP = "staging_sidecar"

OPTIONS = [
    cfg.StrOpt(
        "address", default="unix:/run/glance-staging-sidecar/sidecar.sock",
        help="gRPC target of the sidecar in this pod: its Unix socket, or a loopback address such as 127.0.0.1:9393."),
    cfg.StrOpt(
        "transfer", default="adopt", choices=["adopt", "stream"],
        help="How staged bytes reach the sidecar. adopt: this process writes the file on the shared volume and the "
             "sidecar takes it over; needs the volume in both containers, which Glance needs anyway. stream: the "
             "bytes are sent over gRPC and the sidecar writes the file."),
    cfg.StrOpt(
        "when_down", default="refuse", choices=["refuse", "fallback"],
        help="What happens to requests while the sidecar does not answer. refuse: 503 with Retry-After. fallback: "
             "Glance stages as it would alone; imports still need the sidecar and wait for it."),
    cfg.IntOpt(
        "wait", default=60, min=0,
        help="Seconds that an upload or an import that has begun waits for a sidecar that went away; it may be "
             "restarting."),
    cfg.IntOpt(
        "space_wait", default=600, min=0,
        help="Seconds that an import waits for space on the volume before it fails."),
    cfg.ListOpt(
        "stages", default=[],
        help="Stages that an import runs, in order, such as image_decompression,image_conversion. Empty: those that "
             "the sidecar is configured with (Import:Plugins)."),
    cfg.StrOpt(
        "output_format", default="", choices=["", "raw", "qcow2", "vmdk"],
        help="Disk format that images are converted to. Empty: that of the sidecar (Import:Conversion:OutputFormat)."),
    cfg.StrOpt(
        "download", default="auto", choices=["auto", "glance"],
        help="Who fetches the images of web-download. auto: the sidecar, over several connections where the server has parts of "
             "files, going on where a connection broke, and by the rules of [import_filtering_opts]; Glance, where the sidecar cannot "
             "(another scheme than http and https, a proxy in the environment, a server that answers Glance only). glance: always "
             "Glance."),
    cfg.StrOpt(
        "direct", default="auto", choices=["auto", "off", "require"],
        help="How an image gets from the sidecar to its store. auto: without being read again, where store and image allow "
             "that, else as Glance does it alone. off: always as Glance does it. require: an import that would be stored as "
             "Glance does it fails, and says why."),
    cfg.StrOpt(
        "pod_url", default="",
        help="URL of another pod's glance-api with {pod} for the pod's name, such as "
             "http://{pod}.glance-headless.openstack.svc:9292. When set, an import request is sent to the pod that "
             "has the staged bytes. Empty: it runs here, and the sidecars bring the result."),
    cfg.IntOpt("retry_after", default=30, min=1, help="Seconds that Retry-After says in answers with status 503."),
    cfg.IntOpt(
        "progress_interval", default=5, min=1,
        help="Seconds between two progress messages on an import's task."),
    cfg.IntOpt(
        "recovery_interval", default=15, min=0,
        help="Seconds between two looks for work that a dead process left behind. 0: never."),
    cfg.IntOpt(
        "stale_after", default=3600, min=60,
        help="Seconds without a sign of life after which an import that another pod ran is taken for dead."),
    cfg.StrOpt(
        "certificates", default="",
        help="Directory of the certificates that images are signed with, as files UUID.pem or UUID.crt, for [key_manager] "
             "backend = certificate_directory. Empty: none."),
    cfg.StrOpt(
        "state_dir", default="",
        help="Directory for what this package keeps on disk; must lie on the staging volume. Empty: .glance in the "
             "staging directory."),
]


def register(conf=cfg.CONF):
    """Makes the options known; may be called any number of times."""
    conf.register_opts(OPTIONS, group=GROUP)
    return conf


def settings(conf=cfg.CONF):
    """The values of the group."""
    return getattr(register(conf), GROUP)


def list_opts():
    """For oslo-config-generator."""
    return [(GROUP, OPTIONS)]
