# Asks for names by Net::DNS: in datagrams without and with EDNS, and on one TCP connection. Prints one JSON object for each
# answer that came. Arguments: port, and questions as NAME/TYPE. With `retry` in front: asks again after a second.
use strict;
use warnings;
use JSON::PP;
use Net::DNS;

my $again = $ARGV[0] eq 'retry' && shift;
my ($port, @questions) = @ARGV;

sub tell_of {
    my ($reply, $truncated) = @_;
    my ($question) = $reply->question;
    my $code = $reply->header->rcode;
    print encode_json({
        name => $question->qname,
        kind => $question->qtype,
        error => $code eq 'NOERROR' ? '' : $code,
        count => $reply->header->ancount + 0,
        addresses => [sort map { $_->type eq 'A' ? $_->address : $_->address_short } grep { $_->type =~ /^A(AAA)?$/ } $reply->answer],
        truncated => $truncated ? JSON::PP::true : JSON::PP::false,
    }), "\n";
}

# Follows what is truncated over TCP itself, where it is seen.
sub ask {
    my ($way) = @_;
    my $resolver = Net::DNS::Resolver->new(nameservers => ['127.0.0.1'], port => $port, retry => 2, retrans => 1, %$way);
    my $over_tcp = Net::DNS::Resolver->new(nameservers => ['127.0.0.1'], port => $port, usevc => 1);
    for my $question (@questions) {
        my ($name, $kind) = split '/', $question;
        my $reply = $resolver->send($name, $kind) or die "$name $kind: ", $resolver->errorstring;
        tell_of($reply, $reply->header->tc);
        tell_of($over_tcp->send($name, $kind), 0) if $reply->header->tc;
    }
}

if ($again) {
    ask({});
} else {
    ask({igntc => 1});
    ask({igntc => 1, udppacketsize => 1232});
    ask({usevc => 1, persistent_tcp => 1});
}
