#!/usr/bin/perl
# What the bats files look for in a boot root, in one process: they ask many hundred times.
#
#   tree.pl served TREE          digest of every file, kind and mode of it and of every folder
#   tree.pl scripts TREE         digest and path of every file but the payload
#   tree.pl payload TREE         fails unless the payload has the digests that its paths name, and what
#                                boot scripts name is there
#   tree.pl either TREE MAY MUST fails unless each line of `scripts` is one of MAY, each path of MUST is
#                                there, and the payload is whole
#   tree.pl everything FOLDER    kind, mode, size, target and digest of all that is there; nothing for no
#                                folder
#
# The program's own folder does not count, but for everything. Lines are sorted as sort(1) does under LC_ALL=C.
use strict;
use warnings;
use Digest::SHA;

my (@files, @kinds, $everything);

sub walk {
    my ($folder) = @_;
    opendir my $handle, length $folder ? $folder : '.' or die "$folder: $!\n";
    for my $name (sort grep { !/^\.\.?$/ } readdir $handle) {
        my $path = length $folder ? "$folder/$name" : $name;
        next if $name eq '.mkbootmedia' && !$everything;
        my ($mode, $size) = (lstat $path)[2, 7];
        my $kind = -l _ ? 'l' : -d _ ? 'd' : -f _ ? 'f' : '?';
        push @kinds, sprintf '%s %s %o', $path, $kind, $mode & 07777;
        $kinds[-1] .= sprintf ' %d %s', $size, $kind eq 'l' ? readlink $path : '' if $everything;
        push @files, $path if $kind eq 'f';
        walk($path) if $kind eq 'd';
    }
}

sub digest { Digest::SHA->new(256)->addfile($_[0], 'b')->hexdigest }

sub scripts { sort map { digest($_) . "  ./$_" } grep { !m{^payload/} } @files }

sub lines {
    open my $handle, '<', $_[0] or die "$_[0]: $!\n";
    chomp(my @lines = <$handle>);
    return @lines;
}

sub payload {
    my $wrong = 0;
    for my $path (grep { m{^payload/} } @files) {
        my $digest = digest($path);
        next if $path =~ m{^payload/(\w{16})/} && $1 eq substr $digest, 0, 16;
        print "$path has $digest\n";
        $wrong = 1;
    }
    for my $script (grep { m{^(boot\.ipxe$|grub/grub\.cfg$|hosts/)} } @files) {
        for my $path (map { m{payload/[0-9a-f]{16}/[a-z0-9.]+}g } lines($script)) {
            next if -s $path;
            print "$path, which $script names, is missing\n";
            $wrong = 1;
        }
    }
    return $wrong;
}

sub either {
    my %may = map { $_ => 1 } @{$_[0]};
    my %is = map { $_ => 1 } @files;
    my @wrong = (
        (map { "neither old nor new: $_" } grep { !$may{$_} } scripts()),
        (map { "missing: $_" } grep { s{^\./}{}; !$is{$_} } @{$_[1]}));
    print map { "$_\n" } @wrong;
    return payload() || @wrong > 0;
}

my ($what, $tree, @lists) = @ARGV;
@lists = map { [lines($_)] } @lists;
$everything = $what eq 'everything';
exit 0 if $everything && !-d $tree;
chdir $tree or die "$tree: $!\n";
push @kinds, sprintf '. d %o', (stat '.')[2] & 07777 if $everything;
walk('');
if ($everything) { # that the folder for generations was made is no matter
    print map { "$_\n" } sort((map { digest($_) . "  ./$_" } @files),
        grep { !m{^\.mkbootmedia(/generations)? d } } @kinds);
} elsif ($what eq 'served') {
    print map { "$_\n" } sort((map { digest($_) . "  ./$_" } @files), @kinds);
} elsif ($what eq 'scripts') {
    print map { "$_\n" } scripts();
} elsif ($what eq 'payload') {
    exit payload();
} elsif ($what eq 'either') {
    exit either(@lists);
} else {
    die "tree.pl: $what: is nothing to look for\n";
}
