using System.Runtime.InteropServices;

namespace Sidecar.Import.Processes.Confinement;

/// <summary>
/// System calls that no program over an image needs, by number: x86-64, then arm64, where -1 is a call that it does not
/// have. What Landlock restricts is not here.
/// </summary>
internal static class SyscallTable
{
    private static readonly (int X64, int Arm64)[] Denied =
    [
        (42, 203), // connect: Landlock does not keep it from Unix sockets with a path
        (53, 199), // socketpair: one of datagrams could send to any other by its path
        (425, 425), (426, 426), (427, 427), // io_uring: makes calls that a filter does not see
        (101, 117), (310, 270), (311, 271), (312, 272), // ptrace, process_vm_readv, process_vm_writev, kcmp
        (434, 434), (438, 438), (424, 424), // pidfd_open, pidfd_getfd, pidfd_send_signal
        (200, 130), (129, 138), (297, 240), // tkill, rt_sigqueueinfo, rt_tgsigqueueinfo
        (57, -1), (58, -1), // fork, vfork
        (76, 45), // truncate: by name, which Landlock before version 3 allows
        (90, -1), (91, 52), (268, 53), (452, 452), // chmod, fchmod, fchmodat, fchmodat2
        (92, -1), (93, 55), (94, -1), (260, 54), // chown, fchown, lchown, fchownat
        (188, 5), (189, 6), (190, 7), (463, 463), // setxattr, lsetxattr, fsetxattr, setxattrat
        (197, 14), (198, 15), (199, 16), (466, 466), // removexattr, lremovexattr, fremovexattr, removexattrat
        (132, -1), (235, -1), (261, -1), (280, 88), // utime, utimes, futimesat, utimensat
        (303, 264), (304, 265), (300, 262), // name_to_handle_at, open_by_handle_at, fanotify_init
        (165, 40), (166, 39), (155, 41), (161, 51), (272, 97), (308, 268), // mount, umount2, pivot_root, chroot, unshare, setns
        (428, 428), (429, 429), (430, 430), (431, 431), (432, 432), (433, 433), (442, 442), // the newer calls to mount
        (321, 280), (298, 241), (323, 282), // bpf, perf_event_open, userfaultfd
        (248, 217), (249, 218), (250, 219), // add_key, request_key, keyctl
        (29, 194), (64, 190), (68, 186), (240, 180), // shmget, semget, msgget, mq_open
        (141, 140), (142, 118), (144, 119), (203, 122), (314, 274), (251, 30), // priorities and processors of others
        (256, 238), (279, 239), // migrate_pages, move_pages
        (175, 105), (176, 106), (313, 273), (246, 104), (320, 294), // modules, kexec
        (163, 89), (167, 224), (168, 225), (169, 142), (179, 60), (103, 116), // acct, swapon, swapoff, reboot, quotactl, syslog
        (164, 170), (227, 112), // settimeofday, clock_settime
    ];

    private static readonly bool Arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>Answered with EPERM.</summary>
    public static IEnumerable<int> Refused => Denied.Select(call => Arm ? call.Arm64 : call.X64).Where(call => call >= 0);

    /// <summary>Answered with ENOSYS, upon which libraries use an older call that the filter can look into.</summary>
    public static int[] Unknown { get; } = [435, 437]; // clone3, openat2

    /// <summary>socket and bind, which only a program that serves may call.</summary>
    public static int[] ToServe => [Socket, Arm ? 200 : 49];

    public static int Socket => Arm ? 198 : 41;

    public static int Clone => Arm ? 220 : 56;

    public static int Kill => Arm ? 129 : 62;

    public static int KillThread => Arm ? 131 : 234;

    public static int Limits => Arm ? 261 : 302;

    public static int OpenAt => Arm ? 56 : 257;

    /// <summary>Null where there is none.</summary>
    public static int? Open => Arm ? null : 2;

    /// <summary>As the kernel names the processor to a filter.</summary>
    public static uint ProcessorName => Arm ? 0xC00000B7u : 0xC000003Eu;
}
