//! Names of services by port.
//!
//! The table holds the system ports and the common registered ones of the IANA Service Name and Transport Protocol Port Number
//! Registry (RFC 6335), and a few that are used everywhere without a registration. Adding a service is one row.

/// The service at a TCP port, or `None` where the table has none.
pub fn service_name(port: u16) -> Option<&'static str> {
    SERVICES
        .binary_search_by_key(&port, |row| row.0)
        .ok()
        .map(|at| SERVICES[at].1)
}

/// The service at a UDP port, or `None` where no table has one: the ports that UDP alone uses, then those that TCP has, too.
pub fn udp_service_name(port: u16) -> Option<&'static str> {
    UDP_SERVICES
        .binary_search_by_key(&port, |row| row.0)
        .ok()
        .map(|at| UDP_SERVICES[at].1)
        .or_else(|| service_name(port))
}

/// Ports that only UDP uses, or that it uses for something else.
#[rustfmt::skip]
const UDP_SERVICES: &[(u16, &str)] = &[
    (67, "bootps"), (68, "bootpc"), (69, "tftp"), (123, "ntp"), (319, "ptp-event"), (320, "ptp-general"),
    (514, "syslog"), (520, "rip"), (521, "ripng"), (546, "dhcpv6-client"), (547, "dhcpv6-server"), (623, "asf-rmcp"),
    (1812, "radius"), (1813, "radius-acct"), (1900, "ssdp"), (2055, "netflow"), (2123, "gtp-control"), (2152, "gtp-user"),
    (3478, "stun"), (3544, "teredo"), (3702, "ws-discovery"), (3784, "bfd-control"), (4500, "ipsec-nat-t"),
    (4739, "ipfix"), (4789, "vxlan"), (5355, "llmnr"), (5683, "coap"), (6081, "geneve"), (6343, "sflow"),
    (51820, "wireguard"),
];

/// Port and name, by port.
#[rustfmt::skip]
const SERVICES: &[(u16, &str)] = &[
    (1, "tcpmux"), (7, "echo"), (9, "discard"), (11, "systat"), (13, "daytime"), (15, "netstat"), (17, "qotd"),
    (19, "chargen"), (20, "ftp-data"), (21, "ftp"), (22, "ssh"), (23, "telnet"), (25, "smtp"), (37, "time"),
    (43, "whois"), (49, "tacacs"), (53, "domain"), (70, "gopher"), (79, "finger"), (80, "http"), (88, "kerberos"),
    (102, "iso-tsap"), (104, "acr-nema"), (106, "poppassd"), (110, "pop3"), (111, "sunrpc"), (113, "auth"),
    (119, "nntp"), (135, "epmap"), (137, "netbios-ns"), (138, "netbios-dgm"), (139, "netbios-ssn"), (143, "imap2"),
    (161, "snmp"), (162, "snmp-trap"), (163, "cmip-man"), (164, "cmip-agent"), (174, "mailq"), (179, "bgp"),
    (199, "smux"), (209, "qmtp"), (210, "z3950"), (345, "pawserv"), (346, "zserv"), (369, "rpc2portmap"),
    (370, "codaauth2"), (389, "ldap"), (427, "svrloc"), (443, "https"), (444, "snpp"), (445, "microsoft-ds"),
    (464, "kpasswd"), (465, "submissions"), (487, "saft"), (500, "isakmp"), (502, "modbus"), (512, "exec"),
    (513, "login"), (514, "shell"), (515, "printer"), (538, "gdomap"), (540, "uucp"), (543, "klogin"),
    (544, "kshell"), (548, "afp"), (554, "rtsp"), (563, "nntps"), (587, "submission"), (593, "http-rpc-epmap"),
    (607, "nqs"), (628, "qmqp"), (631, "ipp"), (636, "ldaps"), (646, "ldp"), (655, "tinc"), (706, "silc"),
    (749, "kerberos-adm"), (750, "kerberos4"), (751, "kerberos-master"), (754, "krb-prop"), (775, "moira-db"),
    (777, "moira-update"), (783, "spamd"), (853, "domain-s"), (860, "iscsi"), (871, "supfilesrv"), (873, "rsync"),
    (902, "vmware"), (989, "ftps-data"), (990, "ftps"), (992, "telnets"), (993, "imaps"), (995, "pop3s"),
    (1080, "socks"), (1093, "proofd"), (1094, "rootd"), (1099, "rmiregistry"), (1127, "supfiledbg"),
    (1178, "skkserv"), (1194, "openvpn"), (1236, "rmtcfg"), (1313, "xtel"), (1314, "xtelw"), (1352, "lotusnote"),
    (1433, "ms-sql-s"), (1521, "oracle"), (1524, "ingreslock"), (1645, "datametrics"), (1646, "sa-msg-port"),
    (1649, "kermit"), (1677, "groupwise"), (1701, "l2tp"), (1720, "h323hostcall"), (1723, "pptp"), (1812, "radius"),
    (1813, "radius-acct"), (1883, "mqtt"), (1935, "rtmp"), (2000, "cisco-sccp"), (2049, "nfs"), (2086, "gnunet"),
    (2101, "rtcm-sc104"), (2119, "gsigatekeeper"), (2121, "iprop"), (2135, "gris"), (2181, "zookeeper"),
    (2222, "ssh-alt"), (2375, "docker"), (2376, "docker-s"), (2379, "etcd-client"), (2380, "etcd-server"),
    (2401, "cvspserver"), (2430, "venus"), (2431, "venus-se"), (2432, "codasrv"), (2433, "codasrv-se"), (2583, "mon"),
    (2600, "zebrasrv"), (2601, "zebra"), (2602, "ripd"), (2603, "ripngd"), (2604, "ospfd"), (2605, "bgpd"),
    (2606, "ospf6d"), (2607, "ospfapi"), (2608, "isisd"), (2628, "dict"), (2792, "f5-globalsite"), (2811, "gsiftp"),
    (2947, "gpsd"), (3000, "http-dev"), (3050, "gds-db"), (3128, "http-proxy"), (3205, "isns"),
    (3260, "iscsi-target"), (3268, "msft-gc"), (3269, "msft-gc-ssl"), (3306, "mysql"), (3389, "ms-wbt-server"),
    (3478, "stun"), (3493, "nut"), (3632, "distcc"), (3689, "daap"), (3690, "svn"), (4031, "suucp"), (4094, "sysrqd"),
    (4190, "sieve"), (4222, "nats"), (4353, "f5-iquery"), (4369, "epmd"), (4373, "remctl"), (4460, "ntske"),
    (4500, "ipsec-nat-t"), (4557, "fax"), (4559, "hylafax"), (4691, "mtn"), (4899, "radmin-port"), (4949, "munin"),
    (5000, "commplex-main"), (5001, "iperf"), (5044, "logstash"), (5060, "sip"), (5061, "sips"), (5201, "iperf3"),
    (5222, "xmpp-client"), (5269, "xmpp-server"), (5308, "cfengine"), (5349, "stuns"), (5353, "mdns"),
    (5432, "postgresql"), (5555, "adb"), (5556, "freeciv"), (5601, "kibana"), (5666, "nrpe"), (5667, "nsca"),
    (5671, "amqps"), (5672, "amqp"), (5680, "canna"), (5900, "vnc"), (5938, "teamviewer"), (5984, "couchdb"),
    (5985, "wsman"), (5986, "wsmans"), (6000, "x11"), (6001, "x11-1"), (6002, "x11-2"), (6003, "x11-3"),
    (6004, "x11-4"), (6005, "x11-5"), (6006, "x11-6"), (6007, "x11-7"), (6346, "gnutella-svc"),
    (6347, "gnutella-rtr"), (6379, "redis"), (6443, "kubernetes"), (6444, "sge-qmaster"), (6445, "sge-execd"),
    (6446, "mysql-proxy"), (6514, "syslog-tls"), (6566, "sane-port"), (6667, "ircd"), (6697, "ircs-u"),
    (6881, "bittorrent"), (7000, "afs3-fileserver"), (7001, "afs3-callback"), (7077, "spark"), (7100, "font-service"),
    (8000, "http-alt"), (8008, "http-alt"), (8009, "ajp"), (8021, "zope-ftp"), (8080, "http-alt"), (8081, "http-alt"),
    (8086, "influxdb"), (8088, "http-alt"), (8089, "splunk"), (8123, "http-alt"), (8140, "puppet"), (8291, "winbox"),
    (8333, "bitcoin"), (8443, "https-alt"), (8500, "consul"), (8600, "consul-dns"), (8883, "secure-mqtt"),
    (8888, "http-alt"), (8990, "clc-build-daemon"), (9000, "cslistener"), (9001, "tor"), (9042, "cassandra"),
    (9050, "tor-socks"), (9090, "prometheus"), (9092, "kafka"), (9098, "xinetd"), (9100, "jetdirect"),
    (9101, "bacula-dir"), (9102, "bacula-fd"), (9103, "bacula-sd"), (9200, "elasticsearch"), (9300, "elasticsearch"),
    (9418, "git"), (9667, "xmms2"), (9673, "zope"), (9997, "splunk-s2s"), (9999, "abyss"), (10000, "ndmp"),
    (10050, "zabbix-agent"), (10051, "zabbix-trapper"), (10080, "amanda"), (10081, "kamanda"), (10082, "amandaidx"),
    (10083, "amidxtape"), (10809, "nbd"), (11112, "dicom"), (11211, "memcache"), (11371, "hkp"), (15672, "rabbitmq"),
    (17004, "sgi-cad"), (17500, "db-lsp"), (19132, "minecraft-be"), (20000, "dnp"), (22125, "dcap"),
    (22128, "gsidcap"), (22273, "wnn6"), (24554, "binkp"), (25565, "minecraft"), (27017, "mongodb"), (27374, "asp"),
    (30865, "csync2"), (32400, "plex"), (44818, "ethernet-ip"), (50000, "db2"), (51413, "transmission"),
    (57000, "dircproxy"), (60177, "tfido"), (60179, "fido"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_for_the_search() {
        assert!(UDP_SERVICES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(SERVICES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn well_known_and_unknown_ports() {
        assert_eq!(service_name(443), Some("https"));
        assert_eq!(service_name(22), Some("ssh"));
        assert_eq!(service_name(49_999), None);
    }
}
